#!/usr/bin/env bash
# Builds a small program twice, in two folders, as the image is built, and compares: it is the same,
# and no path of this machine is in it. scripts/reproducible.sh does that with the whole service.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in "$work/one" "$work/deeper/two"; do
    mkdir -p "$folder/src" "$folder/scripts"
    cp -r scripts/image "$folder/scripts/image"
    printf '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2024"\n\n[workspace]\n' >"$folder/Cargo.toml"
    printf 'fn main() {\n    assert!(std::env::args().count() < 9, "{}", file!());\n}\n' >"$folder/src/main.rs"
    (cd "$folder" && CARGO_TARGET_DIR=target scripts/image/cargo.sh build --quiet --offline)
done
cmp "$work/one/target/debug/small" "$work/deeper/two/target/debug/small"
! grep -qF "$work" "$work/one/target/debug/small"
