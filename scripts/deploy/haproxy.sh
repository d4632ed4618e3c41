#!/usr/bin/env bash
# Checks deploy/haproxy.cfg: that HAProxy understands it, and that it keeps the operators' paths to
# those inside.
# Usage: scripts/deploy/haproxy.sh FOLDER     (FOLDER is for a copy)
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$1
PATH=$PATH:/usr/sbin
command -v haproxy >/dev/null || scripts/install.sh
haproxy -c -q -f deploy/haproxy.cfg

# In front of no replica: what is let through is answered with 503.
sed "s#bind :8080#bind unix@$folder/clients#; s#bind 127.0.0.1:8404#bind unix@$folder/stats#" \
    deploy/haproxy.cfg >"$folder/haproxy.cfg"
# It listens once this returns.
haproxy -D -q -p "$folder/haproxy.pid" -f "$folder/haproxy.cfg"
trap 'kill "$(cat "$folder/haproxy.pid")"' EXIT
expect() {
    local status
    status=$(curl --silent --output /dev/null --write-out '%{http_code}' \
        --unix-socket "$folder/clients" "http://lastcall$2")
    [ "$status" = "$1" ] || { echo "HAProxy answers $2 with $status, not $1" >&2; exit 1; }
}
expect 503 /readyz
expect 503 /metrics-of-mine
expect 403 /metrics
expect 403 '/metrics?a=b'
expect 403 /%6detrics
expect 403 /metric%73
