#!/usr/bin/env bash
# Makes the secrets of deploy/compose.yaml that are not there yet. A secret that is there stays.
# Usage: make-secrets.sh FOLDER
set -euo pipefail
umask 077
cd "$1"
mkdir -p postgres lastcall callers

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
# What is not kept is read all the same: its writer is not to fail for want of a reader.
keep() { if [ -s "$1" ]; then cat >/dev/null; else cat >"$1"; fi; }

random | keep postgres/password
echo "postgres://lastcall:$(cat postgres/password)@postgres/lastcall" | keep lastcall/store-url
random | keep lastcall/s3-access-key
random | keep lastcall/s3-secret-key

# The callers' keys; the service gets their digests.
random | keep callers/web
random | keep callers/ops
digest() { tr -d '\n' <"callers/$1" | sha256sum | cut -d ' ' -f 1; }
printf '[{"name": "web", "sha256": "%s", "role": "user"}, {"name": "ops", "sha256": "%s", "role": "admin"}]\n' \
    "$(digest web)" "$(digest ops)" | keep lastcall/keys

# Each is read by the user of its container alone.
chown -R 10001:10001 lastcall
chown -R "$(id -u postgres):$(id -g postgres)" postgres
