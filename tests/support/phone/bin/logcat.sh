# logcat -d [-t LINES], from logcat.txt; -c empties it.
lines=1000
while [ $# -gt 0 ]; do
    case "$1" in
    -c) : > "$PHONE/logcat.txt" ;;
    -t) lines=$2; shift ;;
    -b) shift ;;
    esac
    shift
done
[ ! -r "$PHONE/logcat.txt" ] || exec tail -n "$lines" "$PHONE/logcat.txt"
