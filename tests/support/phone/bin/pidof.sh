# pidof PACKAGE, from app.pid, which the played app has written.
[ -r "$PHONE/app.pid" ] || exit 1
pid=$(cat "$PHONE/app.pid")
[ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" || exit 1
echo "$pid"
