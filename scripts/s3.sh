#!/usr/bin/env bash
# A throw-away S3 server (moto) for the tests, on a free port, with the bucket "lastcall".
# Its programs are installed once, into the build folder.
# Usage: scripts/s3.sh start | stop | url
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
programs=$target/s3
state=$target/s3.state
packages=('moto[s3,server]==5.2.5')

fail() {
    echo "scripts/s3.sh: $*" >&2
    exit 1
}

read_state() {
    [ -s "$state" ] || fail 'no server has been started'
    # shellcheck disable=SC1090
    . "$state"
}

# A process of that number may long be another one.
is_ours() {
    grep -q moto_server "/proc/$pid/cmdline" 2>/dev/null
}

is_up() {
    "$programs/bin/python" - "$1" <<'PYTHON' 2>/dev/null
import sys, urllib.request
make = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/lastcall", method="PUT")
urllib.request.urlopen(make, timeout=5).read()
PYTHON
}

start() {
    if [ -s "$state" ] && read_state && is_ours; then
        return
    fi
    if ! [ -x "$programs/bin/moto_server" ]; then
        mkdir -p "$target"
        python3 -m venv "$programs"
        "$programs/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"
    fi
    local log=$target/s3.log
    for port in $(shuf -i 20000-60000 -n 5); do
        setsid "$programs/bin/moto_server" -H 127.0.0.1 -p "$port" >"$log" 2>&1 </dev/null &
        pid=$!
        for _ in $(seq 150); do
            if is_up "$port"; then
                printf 'pid=%q port=%q\n' "$pid" "$port" >"$state"
                return
            fi
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.2
        done
        kill "$pid" 2>/dev/null || true
    done
    cat "$log" >&2
    fail 'the server does not start'
}

stop() {
    [ -s "$state" ] || return 0
    read_state
    if is_ours; then
        kill "$pid" || true
    fi
    rm -f "$state"
}

case ${1:-} in
    start) start ;;
    stop) stop ;;
    url)
        read_state
        echo "http://127.0.0.1:$port"
        ;;
    *) fail 'usage: scripts/s3.sh start | stop | url' ;;
esac
