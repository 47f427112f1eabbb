# settings get|put|delete|list NAMESPACE KEY [VALUE], in settings.txt: lines of the form NAMESPACE KEY VALUE.
echo "settings $*" >> "$PHONE/calls.txt"
settings=$PHONE/settings.txt
touch "$settings"
case "$1" in
get)
    value=$(sed -n "s/^$2 $3 //p" "$settings" | tail -n 1)
    echo "${value:-null}"
    ;;
put)
    sed -i "/^$2 $3 /d" "$settings"
    echo "$2 $3 $4" >> "$settings"
    ;;
delete)
    sed -i "/^$2 $3 /d" "$settings"
    echo "Deleted 1 rows"
    ;;
list) sed -n "s/^$2 \([^ ]*\) /\1=/p" "$settings" ;;
esac
