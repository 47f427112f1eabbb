# A function for run.sh: . ./cool.sh; cool_down 300

# Wait until Android's thermal status is 0, for at most $1 seconds. Each line is "@cooling SECONDS STATUS", where SECONDS
# were waited so far and STATUS is 0 to 6, or "unknown" where the device does not report one. The last line is the first
# with status 0 or "unknown", or ends with "limit". It returns 1 when it gave up.
cool_down() {
    cooling_waited=0
    while :; do
        cooling_status=$(thermal_status)
        case $cooling_status in
            0 | unknown)
                echo "@cooling $cooling_waited $cooling_status"
                return 0
                ;;
        esac
        cooling_pause=$(($1 - cooling_waited))
        if [ "$cooling_pause" -le 0 ]; then
            echo "@cooling $cooling_waited $cooling_status limit"
            return 1
        fi
        echo "@cooling $cooling_waited $cooling_status"
        [ "$cooling_pause" -gt 10 ] && cooling_pause=10
        sleep "$cooling_pause" </dev/null || return 1
        cooling_waited=$((cooling_waited + cooling_pause))
    done
}

# 0 to 6. A status that someone has set by hand (cmd thermalservice override-status) is not the device's.
thermal_status() {
    dumpsys thermalservice 2>/dev/null </dev/null | {
        thermal_found=unknown
        while IFS= read -r thermal_line; do
            case $thermal_line in
                "IsStatusOverride: true"*) break ;;
                "Thermal Status: "[0-6])
                    thermal_found=${thermal_line#"Thermal Status: "}
                    break
                    ;;
            esac
        done
        echo "$thermal_found"
    }
}
