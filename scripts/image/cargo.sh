#!/bin/sh
# cargo, as the image is built with it: no path of the machine gets into the program, and two
# builds of one commit are the same.
# Usage: scripts/image/cargo.sh ARGUMENTS...
set -eu
cd "$(dirname "$0")/../.."

home=${CARGO_HOME:-$HOME/.cargo}
map="--remap-path-prefix=$PWD=/lastcall --remap-path-prefix=$home=/cargo"
export RUSTFLAGS="${RUSTFLAGS:-} $map"
export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$PWD=/lastcall -ffile-prefix-map=$home=/cargo"
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-0}" CARGO_INCREMENTAL=0
export PATH="$PWD/target/tools/bin:$PATH"
exec cargo "$@"
