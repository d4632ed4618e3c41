#!/usr/bin/env bash
# Checks the dependency tree against deny.toml.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^# cargo-deny \(.*\)$/\1/p' deny.toml)
tools="$PWD/target/tools"
if ! "$tools/bin/cargo-deny" --version 2>/dev/null | grep -qF " $version"; then
    # A debug build: it checks the same and is there in a third of the time.
    cargo install cargo-deny --version "=$version" --locked --debug --no-default-features \
        --root "$tools" --target-dir "$tools/build" --quiet
fi
echo "the advisory database is not consulted here: it is a repository of its own, out of reach"
"$tools/bin/cargo-deny" --all-features check bans licenses sources
