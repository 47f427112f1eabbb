# svc is written down, and does nothing.
echo "svc $*" >> "$PHONE/calls.txt"
