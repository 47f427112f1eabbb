# cmd WORDS, from cmd.txt: lines of the form WORDS => CODE OUTPUT, where \n begins a line of the output.
# The last value of fixed performance mode that was accepted is kept in fixed-performance-mode.txt.
echo "cmd $*" >> "$PHONE/calls.txt"
found=
if [ -r "$PHONE/cmd.txt" ]; then
    found=$(awk -v words="$* => " 'index($0, words) == 1 { print substr($0, length(words) + 1); exit }' "$PHONE/cmd.txt")
fi
if [ -z "$found" ]; then
    echo "cmd: Can't find service: ${1-}" >&2
    exit 20
fi
code=${found%% *}
output=${found#"$code"}
[ -z "${output# }" ] || printf '%b\n' "${output# }"
if [ "$code ${1-} ${2-}" = "0 power set-fixed-performance-mode-enabled" ]; then
    echo "${3-}" > "$PHONE/fixed-performance-mode.txt"
fi
exit "$code"
