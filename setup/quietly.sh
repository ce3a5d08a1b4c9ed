# Sourced by the scripts beside it: `quietly NAME COMMAND...` keeps what the command says in .make/NAME.log and shows its
# end only where the command failed.

quietly() {
    log=.make/$1.log
    shift
    if "$@" >"$log" 2>&1 </dev/null; then return; fi
    tail -n 40 "$log" >&2
    echo "Failed: $*" >&2
    echo "The whole of what it said is in $log." >&2
    exit 1
}
