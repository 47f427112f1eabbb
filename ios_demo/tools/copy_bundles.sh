#!/bin/sh
# Copies the deployed bundles into the app as they are: a script phase of the Xcode project runs it.
#
# As a resource, an .mlpackage would be compiled by Xcode, and the digest in its contract would be lost. The app
# compiles it at its first start instead.
set -eu

from="$SRCROOT/bundles"
to="$TARGET_BUILD_DIR/$UNLOCALIZED_RESOURCES_FOLDER_PATH/bundles"
part="$to.part"

if [ ! -f "$from/index.json" ]; then
    rm -rf "$to" "$part"
    mkdir -p "$to"
    echo "warning: the app has no bundles yet: run levit-mobile deploy BUNDLE... --to ios_demo"
    exit 0
fi

# The index states the digest of every file, and it arrives together with them.
if cmp -s "$from/index.json" "$to/index.json"; then
    exit 0
fi

rm -rf "$part"
mkdir -p "$part"
cp -R "$from/." "$part"
find "$part" \( -name .DS_Store -o -name '._*' \) -delete
rm -rf "$to"
mv "$part" "$to"
