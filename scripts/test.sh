#!/usr/bin/env bash
# Every test, with the real parts that they need: installs what is missing, starts it, stops it.
# Usage: scripts/test.sh [arguments for cargo test]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install.sh

stop() {
    scripts/pgbouncer.sh stop || true
    scripts/postgres.sh stop || true
    scripts/s3.sh stop || true
}
trap stop EXIT
stop >/dev/null 2>&1
scripts/postgres.sh start
scripts/pgbouncer.sh start
scripts/s3.sh start
LASTCALL_TEST_POSTGRES=$(scripts/postgres.sh url)
LASTCALL_TEST_PGBOUNCER=$(scripts/pgbouncer.sh url)
LASTCALL_TEST_S3=$(scripts/s3.sh url)
export LASTCALL_TEST_POSTGRES LASTCALL_TEST_PGBOUNCER LASTCALL_TEST_S3

# The actors' tests turn on more features of their dependencies (a clock that can be stopped, a
# model checker). By themselves they build their few crates again; together with the others they
# would make `cargo run` and the tests build every heavy crate twice.
cargo test --workspace --exclude lastcall-actors --locked "$@"
cargo test -p lastcall-actors --locked "$@"
