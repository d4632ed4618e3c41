#!/usr/bin/env bash
# Checks deploy/compose/make-secrets.sh: it makes every secret, and a second run leaves them as
# they are.
# Usage: scripts/deploy/secrets.sh FOLDER     (FOLDER is for the secrets)
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$1/secrets
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }
# The owner of some of them.
id postgres >/dev/null 2>&1 || scripts/install.sh

mkdir "$folder"
trap 'as_root rm -r "$folder"' EXIT
make_secrets() { as_root bash deploy/compose/make-secrets.sh "$folder"; }
digests() { as_root find "$folder" -type f -size +0 -exec sha256sum {} + | sort; }
make_secrets
made=$(digests)
[ "$(wc -l <<<"$made")" -eq 7 ] || { echo "some secret was not made: $made" >&2; exit 1; }
for run in 2 3 4; do
    make_secrets || { echo "run $run of make-secrets.sh fails" >&2; exit 1; }
    [ "$(digests)" = "$made" ] || { echo "run $run of make-secrets.sh makes other secrets" >&2; exit 1; }
done
