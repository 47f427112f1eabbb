# The state of this device, in sections that begin with "== NAME". It needs nothing but sh, and runs on Android and on
# plain Linux: a program or a file that is lacking leaves its section empty. CONDITIONS_ROOT is a folder in place of /.
root=${CONDITIONS_ROOT:-}

# The first line of a file, or "-".
value() {
    line=
    { read -r line < "$1"; } 2>/dev/null
    printf '%s' "${line:--}"
}

# The first section, so that clocks are read while the cores are still at work:
# number, maximum of the hardware, limit of the system, current clock (all in kHz), and whether the core is online.
echo "== cpu"
for core in "$root"/sys/devices/system/cpu/cpu[0-9]*; do
    [ -d "$core" ] || continue
    clocks=$core/cpufreq
    printf '%s %s %s %s %s\n' "${core##*/cpu}" "$(value "$clocks/cpuinfo_max_freq")" \
        "$(value "$clocks/scaling_max_freq")" "$(value "$clocks/scaling_cur_freq")" "$(value "$core/online")"
done

echo "== loadavg"
value "$root/proc/loadavg"
echo

echo "== thermalservice"
dumpsys thermalservice 2>/dev/null </dev/null

echo "== headroom"
cmd thermalservice headroom 0 2>/dev/null </dev/null

echo "== battery"
dumpsys battery 2>/dev/null </dev/null

# Only what is read: these two hold the phone's serial number and the names of its apps.
echo "== power"
dumpsys power 2>/dev/null </dev/null | while IFS= read -r line; do
    case $line in
        *mWakefulness=* | *"Display Power: state="* | *mLowPowerModeEnabled=*) printf '%s\n' "$line" ;;
    esac
done

echo "== getprop"
getprop 2>/dev/null </dev/null | while IFS= read -r line; do
    case $line in
        "[ro.soc."* | "[ro.product."* | "[ro.build."* | "[ro.hardware"* | "[ro.board."* | "[ro.kernel.qemu"* | \
            "[ro.boot.qemu"*) printf '%s\n' "$line" ;;
    esac
done

echo "== low power"
settings get global low_power 2>/dev/null </dev/null

# Android does not report this mode: performance.sh leaves here what it has set.
echo "== fixed performance"
echo "${FIXED_PERFORMANCE:-}"

echo "== meminfo"
value "$root/proc/meminfo"
echo

# What only a plain Linux has.
echo "== cpuinfo"
{ while IFS= read -r line; do
    case $line in
        processor* | "model name"* | Hardware* | "CPU implementer"* | "CPU part"*) printf '%s\n' "$line" ;;
    esac
done < "$root/proc/cpuinfo"; } 2>/dev/null

echo "== model"
{ tr '\000' '\n' < "$root/proc/device-tree/model"; } 2>/dev/null
echo
echo "== compatible"
{ tr '\000' '\n' < "$root/proc/device-tree/compatible"; } 2>/dev/null
echo
echo "== product"
value "$root/sys/class/dmi/id/sys_vendor"
echo
value "$root/sys/class/dmi/id/product_name"
echo

echo "== zones"
for zone in "$root"/sys/class/thermal/thermal_zone*; do
    [ -d "$zone" ] && printf '%s %s\n' "$(value "$zone/temp")" "$(value "$zone/type")"
done

echo "== supplies"
for supply in "$root"/sys/class/power_supply/*; do
    [ -d "$supply" ] && printf '%s %s %s %s\n' "$(value "$supply/type")" "$(value "$supply/capacity")" \
        "$(value "$supply/temp")" "$(value "$supply/status")"
done

echo "== uname"
for what in s r v m; do
    uname -$what 2>/dev/null
done

echo "== date"
date -u +%Y-%m-%dT%H:%M:%SZ 2>/dev/null
exit 0
