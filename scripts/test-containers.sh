#!/usr/bin/env bash
# The tests of the image and of deploy/compose.yaml, on a real engine.
#
# Usage: scripts/test-containers.sh [--profile PROFILE] [--rounds N] [--chaos MINUTES [--seed N]]
#                                   [--inside] [--keep]
#   --profile  the cargo profile: dev (the default here) or release
#   --rounds   how often every replica is replaced under load (default 3)
#   --chaos    then break parts in random order, several at a time, for so many minutes (default 0)
#   --seed     the order of an earlier run
#   --inside   build the program in the image, as `docker build .` does. Without it the program that
#              scripts/test.sh has built is laid into the image (the build argument BINARY): the rest
#              of the Dockerfile is the same, and a build of everything once more would take longer
#              than all the other tests together. A program that wants a newer C library than the image
#              has is built inside all the same
#   --keep     leave the cluster running
#
# Without an engine nothing is tested: that is said, and is a failure in CI.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=dev
rounds=3
inside=no
passed=()
while [ $# -gt 0 ]; do
    case $1 in
        --profile) profile=$2; shift ;;
        --rounds) rounds=$2; shift ;;
        --chaos | --seed) passed+=("$1" "$2"); shift ;;
        --inside) inside=yes ;;
        --keep) passed+=(--keep) ;;
        *) echo "scripts/test-containers.sh: unknown argument $1" >&2; exit 2 ;;
    esac
    shift
done

if ! docker version >/dev/null 2>&1; then
    echo "NO CONTAINER ENGINE HERE: the image and deploy/compose.yaml are not tested" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi
command -v python3 >/dev/null || scripts/install.sh
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || scripts/install.sh

image=lastcall:test-$$
context=$(mktemp -d)
log=$(mktemp)
dangling() { docker images --quiet --filter dangling=true | sort -u; }
before=$(dangling)
clean() {
    rm -rf "$context" "$log"
    docker image rm --force "$image" >/dev/null 2>&1 || true
    # The stages of the build, which nothing names.
    comm -13 <(echo "$before") <(dangling) | xargs -r docker image rm >/dev/null 2>&1 || true
}
trap clean EXIT

# Images that are needed and that are not here: pulled, or made where nothing can be pulled.
scripts/base-images.sh --pull debian postgres haproxy moto nginx

folder=$profile
[ "$profile" != dev ] || folder=debug
program=${CARGO_TARGET_DIR:-target}/$folder/lastcall
if [ "$inside" = no ]; then
    [ -x "$program" ] || cargo build --workspace --exclude lastcall-actors --locked \
        --profile "$profile" --bin lastcall
    wanted=$(objdump -T "$program" | sed -n 's/.*(\?GLIBC_\([0-9.]*\).*/\1/p' | sort -V | tail -n 1)
    has=$(docker run --rm debian:bookworm-slim ldd --version | sed -n '1s/.* //p')
    if [ "$(printf '%s\n' "$wanted" "$has" | sort -V | tail -n 1)" != "$has" ]; then
        echo "the program wants glibc $wanted, the image has $has: it is built in the image"
        inside=yes
    fi
fi
[ "$inside" = no ] || scripts/base-images.sh --pull rust

# What `docker build .` would send, with the program beside it.
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -cf - | tar -C "$context" -xf -
arguments=(--build-arg "PROFILE=$profile")
if [ "$inside" = no ]; then
    mkdir "$context/prebuilt"
    strip --strip-debug -o "$context/prebuilt/lastcall" "$program"
    scripts/image/sbom.sh >"$context/prebuilt/lastcall.cdx.json"
    # No toolchain is needed for it.
    arguments+=(--build-arg BINARY=prebuilt/lastcall --build-arg BUILD_IMAGE=debian:bookworm-slim)
fi
arguments+=(
    --build-arg "VERSION=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)"
    --build-arg "REVISION=$(git rev-parse HEAD)"
    --build-arg "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)"
    --build-arg "CREATED=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)"
)
began=$SECONDS
if ! docker build "${arguments[@]}" --tag "$image" "$context" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
echo "the image is built ($((SECONDS - began)) s)"

PYTHONDONTWRITEBYTECODE=1 python3 scripts/containers/main.py --image "$image" --profile "$profile" \
    --rounds "$rounds" "${passed[@]}"
