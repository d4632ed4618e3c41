#!/usr/bin/env bash
# Checks deploy/systemd/lastcall.service: that systemd understands it, and how far it is exposed.
# Usage: scripts/deploy/systemd.sh FOLDER     (FOLDER is for a copy)
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v systemd-analyze >/dev/null; then
    if [ "$(id -u)" -eq 0 ]; then as_root=(); else as_root=(sudo); fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends systemd >/dev/null
fi
# The program of the unit need not be installed here.
sed 's#/usr/bin/lastcall#/bin/true#' deploy/systemd/lastcall.service >"$1/lastcall.service"
if ! told=$(systemd-analyze verify "$1/lastcall.service" 2>&1) || [ -n "$told" ]; then
    echo "deploy/systemd/lastcall.service: ${told:-refused without a word}" >&2
    exit 1
fi
# In tenths, of 100: what is left is the network, which it serves.
systemd-analyze security --offline=true --threshold=20 --no-pager "$1/lastcall.service" | tail -n 1
