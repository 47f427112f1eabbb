# wm is written down, and does nothing.
echo "wm $*" >> "$PHONE/calls.txt"
