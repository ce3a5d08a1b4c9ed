#!/bin/sh
# Sees to it that a Chromium is there for the tests that read the pages as a person would.
set -eu
cd "$(dirname "$0")/.."
. setup/quietly.sh
. setup/packages.sh
mkdir -p .make

for name in chromium chromium-browser google-chrome; do
    # Ubuntu's chromium-browser may be a stub that asks for snap, hence the question.
    if "$name" --version >/dev/null 2>&1; then exit 0; fi
done
if [ -f .make/chromium ]; then exit 0; fi
if grep -q '^ID=ubuntu' /etc/os-release 2>/dev/null; then
    # Ubuntu packages Chromium as a snap only; Playwright brings one of its own.
    quietly chromium .venv/bin/playwright install --with-deps chromium
    touch .make/chromium
    exit 0
fi
need_packages "The browser tests need Chromium" chromium fonts-dejavu-core
