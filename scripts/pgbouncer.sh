#!/usr/bin/env bash
# A throw-away PgBouncer in transaction mode before the PostgreSQL server of the tests
# (scripts/postgres.sh start), on a free port.
# Usage: scripts/pgbouncer.sh start | stop | url
set -euo pipefail
cd "$(dirname "$0")/.."
state=${CARGO_TARGET_DIR:-target}/pgbouncer.state

fail() {
    echo "scripts/pgbouncer.sh: $*" >&2
    exit 1
}

read_state() {
    [ -s "$state" ] || fail 'no pooler has been started'
    # shellcheck disable=SC1090
    . "$state"
}

# A process of that number may long be another one.
is_ours() {
    [ -d "$folder" ] && grep -qF "$folder/pgbouncer.ini" "/proc/$pid/cmdline" 2>/dev/null
}

# It refuses to run as root, as the server does.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups env -C / "$@"
    else
        "$@"
    fi
}

start() {
    if [ -s "$state" ] && read_state && is_ours; then
        return
    fi
    local server
    server=$(scripts/postgres.sh url)
    server=${server##*@localhost:}
    server=${server%%/*}
    local program=/usr/sbin/pgbouncer
    [ -x "$program" ] || program=$(command -v pgbouncer) || true
    if [ -z "$program" ]; then
        scripts/install.sh
        program=/usr/sbin/pgbouncer
    fi

    folder=$(mktemp -d "${TMPDIR:-/tmp}/lastcall-pgbouncer.XXXXXX")
    chmod 755 "$folder"
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres: "$folder"
    fi
    for port in $(shuf -i 20000-60000 -n 5); do
        cat >"$folder/pgbouncer.ini" <<INI
[databases]
* = host=localhost port=$server user=lastcall password=only-for-tests
[pgbouncer]
listen_addr = localhost
listen_port = $port
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 2000
server_idle_timeout = 5
logfile = $folder/log
INI
        as_server "$program" "$folder/pgbouncer.ini" >/dev/null 2>&1 </dev/null &
        for _ in $(seq 100); do
            if (exec 3<>"/dev/tcp/localhost/$port") 2>/dev/null; then
                pid=$(pgrep -f -n "^$program $folder/pgbouncer.ini")
                printf 'pid=%q folder=%q port=%q\n' "$pid" "$folder" "$port" >"$state"
                return
            fi
            kill -0 $! 2>/dev/null || break
            sleep 0.1
        done
        kill $! 2>/dev/null || true
    done
    cat "$folder/log" >&2 || true
    fail 'the pooler does not start'
}

stop() {
    [ -s "$state" ] || return 0
    read_state
    if is_ours; then
        kill "$pid" || true
    fi
    rm -rf "$folder" "$state"
}

case ${1:-} in
    start) start ;;
    stop) stop ;;
    url)
        read_state
        echo "postgres://lastcall:only-for-tests@localhost:$port/postgres"
        ;;
    *) fail 'usage: scripts/pgbouncer.sh start | stop | url' ;;
esac
