#!/usr/bin/env bash
# A throw-away PostgreSQL server for the tests: on a free port, with fsync, with a password and
# with TLS (a certificate of its own that nobody else trusts).
# Usage: scripts/postgres.sh start | stop | url | folder
set -euo pipefail
cd "$(dirname "$0")/.."
state=${CARGO_TARGET_DIR:-target}/postgres.state

fail() {
    echo "scripts/postgres.sh: $*" >&2
    exit 1
}

find_programs() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1 | xargs -r dirname
}

# The server refuses to run as root.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups env -C / "$@"
    else
        "$@"
    fi
}

read_state() {
    [ -s "$state" ] || fail 'no server has been started'
    # shellcheck disable=SC1090
    . "$state"
}

start() {
    if [ -s "$state" ] && read_state && as_server "$programs/pg_ctl" -D "$folder/data" status >/dev/null; then
        return
    fi
    programs=$(find_programs)
    if [ -z "$programs" ]; then
        scripts/install.sh
        programs=$(find_programs)
    fi
    [ -n "$programs" ] || fail 'PostgreSQL is not installed (apt-get install postgresql)'

    folder=$(mktemp -d "${TMPDIR:-/tmp}/lastcall-postgres.XXXXXX")
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres: "$folder"
    fi
    as_server sh -c "umask 077; echo 'only-for-tests' >'$folder/password'"
    as_server "$programs/initdb" -D "$folder/data" -U lastcall -A scram-sha-256 \
        --pwfile="$folder/password" --encoding=UTF8 --locale=C --no-sync >/dev/null
    as_server openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
        -keyout "$folder/data/server.key" -out "$folder/data/server.crt" 2>/dev/null
    as_server chmod 600 "$folder/data/server.key"
    cp "$folder/data/server.crt" "$folder/server.crt"
    chmod 755 "$folder"
    chmod 644 "$folder/server.crt"

    local log=$folder/log
    for port in $(shuf -i 20000-60000 -n 20); do
        if as_server "$programs/pg_ctl" -D "$folder/data" -l "$log" -w -t 60 -o "-p $port \
            -c listen_addresses=localhost -c unix_socket_directories=$folder -c ssl=on \
            -c fsync=on -c synchronous_commit=on -c max_connections=300" start >/dev/null; then
            mkdir -p "$(dirname "$state")"
            printf 'programs=%q folder=%q port=%q\n' "$programs" "$folder" "$port" >"$state"
            return
        fi
        grep -q 'could not bind\|could not create any' "$log" || break
    done
    as_server cat "$log" >&2
    fail 'the server does not start'
}

stop() {
    [ -s "$state" ] || return 0
    read_state
    as_server "$programs/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$folder" "$state"
}

case ${1:-} in
    start) start ;;
    stop) stop ;;
    url)
        read_state
        echo "postgres://lastcall:only-for-tests@localhost:$port/postgres"
        ;;
    folder)
        read_state
        echo "$folder"
        ;;
    *) fail 'usage: scripts/postgres.sh start | stop | url | folder' ;;
esac
