#!/usr/bin/env bash
# What deploy/compose.yaml uses of the entry point of the image "postgres": makes the database
# cluster when the volume is empty, with POSTGRES_USER, POSTGRES_DB and POSTGRES_PASSWORD_FILE.
set -euo pipefail

if [ "$(id -u)" -eq 0 ]; then
    chown postgres: "$PGDATA"
    install -d -o postgres -g postgres -m 2775 /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
umask 077
user=${POSTGRES_USER:-postgres}
if ! [ -s "$PGDATA/PG_VERSION" ]; then
    initdb -D "$PGDATA" -U "$user" --auth-host=scram-sha-256 --auth-local=trust \
        --pwfile="$POSTGRES_PASSWORD_FILE" --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    if [ "${POSTGRES_DB:-$user}" != postgres ]; then
        printf 'create database "%s";\n' "${POSTGRES_DB:-$user}" \
            | postgres --single -D "$PGDATA" postgres >/dev/null
    fi
fi
[ "${1:-}" != postgres ] || set -- "$@" -c listen_addresses='*'
exec "$@"
