# Functions for run.sh, which must switch the mode off in every way out: a shell that a signal ends leaves by no EXIT.
#     . ./performance.sh
#     trap fixed_performance_off EXIT
#     trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 141' PIPE; trap 'exit 143' TERM
#     fixed_performance_on

# Android 11's mode of fixed performance: clocks that the device can sustain. It returns 1, with a sentence on stderr,
# where the device has no such mode. FIXED_PERFORMANCE is for conditions.sh, as Android does not report the mode.
fixed_performance_on() {
    FIXED_PERFORMANCE=true  # before the mode is on, so that a signal in between switches it off
    export FIXED_PERFORMANCE
    cmd power set-fixed-performance-mode-enabled true >/dev/null 2>&1 </dev/null && return 0
    FIXED_PERFORMANCE=
    echo "this device has no fixed performance mode" >&2
    return 1
}

# Once after each fixed_performance_on that succeeded, however often it is called.
fixed_performance_off() {
    [ "${FIXED_PERFORMANCE:-}" = true ] || return 0
    FIXED_PERFORMANCE=false
    cmd power set-fixed-performance-mode-enabled false >/dev/null 2>&1 </dev/null
}
