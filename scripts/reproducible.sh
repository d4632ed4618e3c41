#!/usr/bin/env bash
# Builds the program of this commit twice, in two folders, and compares the two.
# Usage: scripts/reproducible.sh [PROFILE]     (release; it takes two whole builds)
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${1:-release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for copy in one another; do
    mkdir "$work/$copy"
    git archive HEAD | tar -C "$work/$copy" -xf -
    # Not the usual folder of a build: its path must not get into the program.
    (cd "$work/$copy" && CARGO_TARGET_DIR=target scripts/image/cargo.sh build --locked --profile "$profile" --bin lastcall)
done
folder=$profile
[ "$profile" != dev ] || folder=debug
sha256sum "$work"/*/target/"$folder"/lastcall
cmp "$work/one/target/$folder/lastcall" "$work/another/target/$folder/lastcall"
echo 'the two are the same'
