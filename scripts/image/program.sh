#!/bin/sh
# Builds the program of the image, target/image/lastcall, with the list of its dependencies inside
# and beside it.
# Usage: scripts/image/program.sh PROFILE [BINARY]
#        A BINARY is taken as it is; its list is the file of that name with .cdx.json behind.
set -eu
cd "$(dirname "$0")/../.."

mkdir -p target/image
if [ -n "${2:-}" ]; then
    cp "$2" target/image/lastcall
    cp "$2.cdx.json" target/image/lastcall.cdx.json
else
    # The files of the context are older than the empty sources that were built before.
    find . -path ./target -prune -o -name '*.rs' -exec touch {} +
    scripts/image/cargo.sh auditable build --locked --profile "$1" --bin lastcall
    folder=$1
    [ "$1" != dev ] || folder=debug
    cp "target/$folder/lastcall" target/image/lastcall
    # A panic names its file and line without them, and they are a third of the image.
    strip --strip-debug target/image/lastcall
    scripts/image/sbom.sh >target/image/lastcall.cdx.json
fi
