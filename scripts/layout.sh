#!/usr/bin/env bash
# Lays out the files of the container image.
# Usage: scripts/layout.sh BINARY FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$1
out=$2
install -D -m 0755 "$binary" "$out/usr/local/bin/lastcall"
# A panic names its file and line without them, and they are a third of the image.
strip --strip-debug "$out/usr/local/bin/lastcall"
install -D -m 0644 config/prod.toml "$out/etc/lastcall/prod.toml"
