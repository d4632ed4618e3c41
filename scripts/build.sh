#!/usr/bin/env bash
# Builds the service and lays out the files of its container image.
# Usage: scripts/build.sh PROFILE FOLDER     (PROFILE: release or dev)
set -euo pipefail
cd "$(dirname "$0")/.."

profile=$1
out=$2
cargo build --locked --profile "$profile" --bin lastcall
folder=$profile
[ "$profile" = dev ] && folder=debug
scripts/layout.sh "${CARGO_TARGET_DIR:-target}/$folder/lastcall" "$out"
