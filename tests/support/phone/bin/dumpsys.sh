# dumpsys SERVICE, from dumpsys-SERVICE.txt.
echo "dumpsys $*" >> "$PHONE/calls.txt"
if [ ! -r "$PHONE/dumpsys-$1.txt" ]; then
    echo "Can't find service: $1"
    exit 0
fi
exec cat "$PHONE/dumpsys-$1.txt"
