# getprop [NAME [DEFAULT]], from getprop.txt: lines of the form [name]: [value].
if [ $# = 0 ]; then
    exec cat "$PHONE/getprop.txt"
fi
value=$(sed -n "s/^\[$1\]: \[\(.*\)\]\$/\1/p" "$PHONE/getprop.txt" | tail -n 1)
echo "${value:-${2-}}"
