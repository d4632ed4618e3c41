#!/usr/bin/env bash
# Installs the Debian packages that the tests need and that are not here yet.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A needed=(
    [chromium]=chromium
    [curl]=curl
    [openssl]=openssl
    [haproxy]=haproxy
    [/usr/sbin/pgbouncer]=pgbouncer
    [pdftotext]=poppler-utils
    [pgrep]=procps
    [python3]=python3
)
missing=()
for program in "${!needed[@]}"; do
    command -v "$program" >/dev/null || missing+=("${needed[$program]}")
done
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
# Compose, where there is an engine for it: its plugin, or else the program.
if docker version >/dev/null 2>&1 && ! docker compose version >/dev/null 2>&1; then
    command -v docker-compose >/dev/null || missing+=(docker-compose)
fi
if [ "${#missing[@]}" -gt 0 ]; then
    echo "installing ${missing[*]}"
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq \
        --no-install-recommends "${missing[@]}" >/dev/null
fi

# The clients of others that tests/clients runs.
venv="${CARGO_TARGET_DIR:-target}/clients-venv"
wanted=tests/clients/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$venv/installed.txt"
fi
