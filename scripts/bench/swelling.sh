#!/usr/bin/env bash
# Makes files that swell when they are read, profiles each, and prints a table of its time, CPU and
# peak of resident memory. Fails when one takes more than the memory of the analysis and 256 MiB, or
# does not end as it should.
# Usage: scripts/bench/swelling.sh [--lastcall PATH] [--files FOLDER] [--only NAME]
# Needs Python 3.11 and, for the first run, the internet (pyarrow goes into the build folder). Without
# --lastcall a release build is made.
set -euo pipefail
cd "$(dirname "$0")/../.."

CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
case " $* " in
*" --lastcall "*) program=() ;;
*)
    cargo build --quiet --release --bin lastcall
    program=(--lastcall "$CARGO_TARGET_DIR/release/lastcall")
    ;;
esac

venv="$CARGO_TARGET_DIR/bench/swelling-venv"
wanted=scripts/bench/swelling/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$venv/installed.txt"
fi
exec "$venv/bin/python" scripts/bench/swelling "${program[@]}" "$@"
