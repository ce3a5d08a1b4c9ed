# Sourced by the scripts beside it: `need_packages REASON PACKAGE...` installs Debian packages as root,
# or names the command that would and stops. Needs `quietly`.

need_packages() {
    reason=$1
    shift
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "$reason: install what Debian calls $*, then run make again." >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "$reason. Run this, then make again:" >&2
        echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $*" >&2
        exit 1
    fi
    echo "$reason: installing $* with apt-get"
    quietly apt env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update
    quietly apt env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
}
