# The shell. In a script that it is given the phone's paths are rewritten; $0 stays the script's.
case "${1-}" in
"" | -*) exec /bin/sh "$@" ;;
esac
if [ ! -r "$1" ]; then
    echo "sh: $1: No such file or directory" >&2
    exit 127
fi
text=$(sed -E -f "$PHONE/paths.sed" "$1")
exec /bin/sh -c "$text" "$@"
