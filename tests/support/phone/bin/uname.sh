# uname, from uname.txt: what -s, -r, -v and -m print, one line each.
[ -r "$PHONE/uname.txt" ] || exit 1
case "${1:--s}" in
-s) sed -n 1p "$PHONE/uname.txt" ;;
-r) sed -n 2p "$PHONE/uname.txt" ;;
-v) sed -n 3p "$PHONE/uname.txt" ;;
-m) sed -n 4p "$PHONE/uname.txt" ;;
-a) paste -s -d ' ' "$PHONE/uname.txt" ;;
esac
