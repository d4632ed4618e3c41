#!/bin/sh
# Copies the manifests of the workspace, with an empty source for every target, and the scripts
# that build. An image's layer of dependencies is made from these alone, so that a change of the
# source leaves it as it is.
# Usage: scripts/image/manifests.sh FOLDER
set -eu
cd "$(dirname "$0")/../.."

out=$1
mkdir -p "$out"
copy() {
    mkdir -p "$out/$(dirname "$1")"
    cp "$1" "$out/$1"
}
find . -name target -prune -o -path ./.git -prune -o -name Cargo.toml -print | while read -r file; do
    copy "$file"
done
copy Cargo.lock
for script in scripts/image/*.sh; do copy "$script"; done
find . -name target -prune -o -type f \( -path '*/src/lib.rs' -o -path '*/src/main.rs' \
    -o -path '*/src/bin/*.rs' -o -path '*/examples/*.rs' \) -print | while read -r file; do
    mkdir -p "$out/$(dirname "$file")"
    case $file in
        */src/lib.rs) : >"$out/$file" ;;
        *) echo 'fn main() {}' >"$out/$file" ;;
    esac
done
