#!/bin/sh
# Makes .venv/ from requirements.lock, every file checked by its hash; does nothing where it is so already.
set -eu
cd "$(dirname "$0")/.."
. setup/quietly.sh
. setup/packages.sh
mkdir -p .make

# The lock's wheels exist for these.
serves() {
    "$1" -c 'import sys, sqlite3, ssl; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if serves "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# What .venv/ was made from; it holds absolute paths, so a moved checkout makes it anew.
recipe() {
    pwd
    cat requirements.lock pyproject.toml setup/python.sh | sha256sum
}

if [ -f .make/python ] && [ "$(recipe)" = "$(cat .make/python)" ] && [ -x .venv/bin/passerelle ] && serves .venv/bin/python; then
    exit 0
fi

wanted="Passerelle needs Python 3.11 to 3.14 with sqlite3 and ssl"
if ! python=$(find_python); then
    if [ -n "${PYTHON:-}" ]; then
        echo "$wanted, and PYTHON is $PYTHON." >&2
        exit 1
    fi
    need_packages "$wanted" python3 python3-venv
    if ! python=$(find_python); then
        echo "$wanted, which apt-get doesn't offer here; Debian 12 and Ubuntu 24.04 do." >&2
        exit 1
    fi
fi

if [ -f .make/python ] && [ "$(head -n 1 .make/python)" != "$(pwd)" ]; then rm -rf .venv; fi
rm -f .make/python
if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || ! serves .venv/bin/python; then
    rm -rf .venv
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv .venv
    elif [ "$(id -u)" -ne 0 ] && "$python" -m venv --without-pip .venv 2>/dev/null \
        && "$python" -m pip --python .venv/bin/python install --quiet pip 2>/dev/null; then
        : # Debian's python3-pip can fill an environment that ensurepip is missing for.
    else
        rm -rf .venv
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        need_packages "Python $version lacks venv or ensurepip" "python$version-venv"
        "$python" -m venv .venv
    fi
fi

echo "Installing $(grep -c '^[a-z0-9].*==' requirements.lock) locked packages into .venv/ (a minute or two)"
# The lock is complete, so pip has nothing to resolve.
quietly pip .venv/bin/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
quietly pip .venv/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
recipe >.make/python
