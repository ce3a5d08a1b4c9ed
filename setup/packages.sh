# Sourced by the scripts beside it: `need_packages REASON PACKAGE...` installs Debian packages as root,
# or names the command that would and stops.

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
    for step in "update" "install -y --no-install-recommends $*"; do
        # shellcheck disable=SC2086  # the step is a list of words
        if ! DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 $step >.make/apt.log 2>&1 </dev/null; then
            tail -n 20 .make/apt.log >&2
            echo "apt-get $step failed; all it said is in .make/apt.log." >&2
            exit 1
        fi
    done
}
