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
install -D -m 0755 "${CARGO_TARGET_DIR:-target}/$folder/lastcall" "$out/usr/local/bin/lastcall"
install -D -m 0644 config/prod.toml "$out/etc/lastcall/prod.toml"
