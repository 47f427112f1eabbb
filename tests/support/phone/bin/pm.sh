# pm is written down, and does nothing.
echo "pm $*" >> "$PHONE/calls.txt"
