# input is written down, and does nothing.
echo "input $*" >> "$PHONE/calls.txt"
