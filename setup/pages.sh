#!/bin/sh
# Builds web/ into src/passerelle/api/pages/; does nothing where the sources are the ones it was built from.
# With `packages` as argument it stops once web/node_modules/ is what the lock says.
set -eu
cd "$(dirname "$0")/.."
. setup/quietly.sh
mkdir -p .make
PATH="$(pwd)/.venv/bin:$PATH"

locked() {
    cat web/package.json web/package-lock.json | sha256sum
}

sources() {
    find web \( -name node_modules -o -name '.*' \) -prune -o -type f -exec sha256sum {} + | sort | sha256sum
}

sh setup/node.sh
if [ ! -d web/node_modules ] || [ ! -f .make/web-packages ] || [ "$(locked)" != "$(cat .make/web-packages)" ]; then
    echo "Installing the pages' packages into web/node_modules/"
    quietly npm npm --prefix web ci --no-audit --no-fund
    locked >.make/web-packages
fi
if [ "${1:-}" = packages ]; then exit 0; fi

if [ -f src/passerelle/api/pages/index.html ] && [ -f .make/pages ] && [ "$(sources)" = "$(cat .make/pages)" ]; then
    exit 0
fi
echo "Building the pages"
quietly pages npm --prefix web run --silent build
sources >.make/pages
