#!/usr/bin/env bash
# Measures Lastcall beside its peers and prints tables of medians and ratios; docs/benchmarks.md
# says what each means. Installs and builds what is missing. All traffic stays on 127.0.0.1.
# Usage: scripts/bench/run.sh [submits|jobs|livez|drain|ttl|all] [--rounds N] [--seconds S]
#        scripts/bench/run.sh soak [--jobs N] [--clients N]
set -euo pipefail
cd "$(dirname "$0")/../.."

CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
scripts/bench/install.sh
exec "$CARGO_TARGET_DIR/bench/venv/bin/python" scripts/bench/suite "$@"
