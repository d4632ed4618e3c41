#!/usr/bin/env bash
# Measures profiles beside DuckDB's SUMMARIZE, polars' describe with distinct counts and
# ydata-profiling's minimal mode, on generated CSV, and prints medians and ratios.
# Usage: scripts/bench/profile.sh [--rows N] [--rounds N] [--peers duckdb,polars,ydata] [--large GB]
# --large profiles that many GB within 512 MiB as well. Needs Rust, Python 3.11 and, for the first
# run, the internet; the peers are installed into the build folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
cargo build --quiet --release -p lastcall-engine --example profile

venv="$CARGO_TARGET_DIR/bench/profile-venv"
wanted=scripts/bench/profile/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$venv/installed.txt"
fi
exec "$venv/bin/python" scripts/bench/profile "$@"
