# am is written down, and does nothing.
echo "am $*" >> "$PHONE/calls.txt"
