#!/bin/sh
# Builds the dependencies of the program in the image, and the tool that lists them in it.
# Usage: scripts/image/dependencies.sh PROFILE [BINARY]     (nothing to do with a BINARY)
set -eu
cd "$(dirname "$0")/../.."

[ -z "${2:-}" ] || exit 0
version=0.7.7
cargo install cargo-auditable --version "=$version" --locked --debug --quiet \
    --root target/tools --target-dir target/tools/build
rm -rf target/tools/build
scripts/image/cargo.sh auditable build --locked --profile "$1" --bin lastcall
