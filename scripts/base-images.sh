#!/usr/bin/env bash
# Base images made of Debian packages, for machines whose engine cannot pull: under the names that
# the Dockerfile and deploy/compose.yaml use by default, so that these are tried as they are.
# Where images can be pulled nobody needs this.
#
# Usage: scripts/base-images.sh [--force] [--pull] [rust] [debian] [postgres] [haproxy] [nginx] [moto]
#        Without names: all of them. An image that is there already is left as it is.
#   --force  make it all the same
#   --pull   take the real one where the engine can pull it
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm
work=${LASTCALL_BASE_IMAGES:-$PWD/target/base-images}
files=$PWD/scripts/base-images
rust_version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

declare -A image=(
    [rust]=rust:$rust_version-$suite
    [debian]=debian:$suite-slim
    [postgres]=postgres:15-$suite
    [haproxy]=haproxy:2.6-$suite
    [nginx]=nginx:1.22
    [moto]=motoserver/moto:5.2.5
)

fail() {
    echo "scripts/base-images.sh: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# The packages that everything starts from, as a tar archive.
minimal() {
    if ! [ -s "$work/minimal.tar" ]; then
        command -v debootstrap >/dev/null || {
            as_root apt-get update -qq
            as_root apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
        }
        mkdir -p "$work"
        as_root rm -rf "$work/minimal"
        # One mirror for all of it, the one that this machine is set up with.
        local mirror
        mirror=$(sed -nE '/^#/d; s#.*(https?://[^ ]+/debian/?)( .*)?$#\1#p' \
            /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1 || true)
        as_root debootstrap --variant=minbase --include=ca-certificates "$suite" "$work/minimal" \
            "${mirror:-http://deb.debian.org/debian}" >"$work/debootstrap.log" 2>&1 \
            || fail "debootstrap failed: see $work/debootstrap.log"
        # Services are not started while packages are installed.
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$work/minimal/usr/sbin/policy-rc.d" >/dev/null
        as_root chmod +x "$work/minimal/usr/sbin/policy-rc.d"
        trust_what_this_machine_trusts "$work/minimal"
        pack "$work/minimal" >"$work/minimal.part"
        mv "$work/minimal.part" "$work/minimal.tar"
        as_root rm -rf "$work/minimal"
    fi
}

# A registry or a mirror behind a private authority is reached from within as well.
trust_what_this_machine_trusts() {
    if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
        as_root cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates/"
        as_root chroot "$1" update-ca-certificates >/dev/null 2>&1
    fi
}

# A tree without what nobody reads in a container.
pack() {
    as_root tar -C "$1" --one-file-system --numeric-owner \
        --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./var/log/*' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
        --exclude='./usr/share/info/*' --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' \
        -cf - .
}

# A tree of its own with these packages, in $root.
unpack() {
    minimal
    root=$work/$1
    shift
    as_root rm -rf "$root"
    as_root mkdir -p "$root"
    as_root tar -C "$root" -xf "$work/minimal.tar"
    if [ $# -gt 0 ]; then
        as_root mknod -m 0666 "$root/dev/null" c 1 3
        as_root mknod -m 0666 "$root/dev/urandom" c 1 9
        as_root cp /etc/resolv.conf "$root/etc/resolv.conf"
        as_root chroot "$root" apt-get update -qq
        as_root chroot "$root" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "$@" >"$work/apt.log" 2>&1 \
            || fail "packages cannot be installed: see $work/apt.log"
    fi
}

# Makes the tree in $root the image NAME; further arguments are instructions of its Dockerfile.
import() {
    local name=${image[$1]} id
    shift
    id=$(pack "$root" | docker import -)
    as_root rm -rf "$root"
    printf '%s\n' "FROM $id" "$@" | DOCKER_BUILDKIT=0 docker build --quiet --tag "$name" - 2>/dev/null >&2
}

make_debian() {
    unpack debian
    import debian 'CMD ["bash"]'
}

make_rust() {
    local sysroot toolchain
    sysroot=$(rustc "+$rust_version" --print sysroot 2>/dev/null || rustc --print sysroot)
    "$sysroot/bin/rustc" --version | grep -qF " $rust_version." || fail "no Rust $rust_version here"
    unpack rust gcc g++ libc6-dev make git
    toolchain=$root/usr/local/rust
    as_root mkdir -p "$toolchain/bin" "$root/usr/local/cargo"
    as_root cp -a "$sysroot/bin/cargo" "$sysroot/bin/rustc" "$toolchain/bin/"
    as_root cp -a "$sysroot/lib" "$toolchain/lib"
    import rust 'ENV PATH=/usr/local/cargo/bin:/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'ENV CARGO_HOME=/usr/local/cargo' "ENV RUST_VERSION=$rust_version" 'CMD ["bash"]'
}

make_postgres() {
    unpack postgres postgresql-15
    as_root install -m 0755 "$files/postgres-entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
    as_root rm -rf "$root/var/lib/postgresql/15" "$root/etc/postgresql/15"
    as_root chroot "$root" install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data
    import postgres 'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'ENV PGDATA=/var/lib/postgresql/data' 'VOLUME /var/lib/postgresql/data' 'EXPOSE 5432' \
        'STOPSIGNAL SIGINT' 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'
}

make_haproxy() {
    unpack haproxy haproxy
    as_root mkdir -p "$root/usr/local/etc/haproxy"
    import haproxy 'USER haproxy' 'STOPSIGNAL SIGUSR1' \
        'ENTRYPOINT ["haproxy", "-W", "-db"]' 'CMD ["-f", "/usr/local/etc/haproxy/haproxy.cfg"]'
}

make_nginx() {
    unpack nginx nginx-light
    as_root rm -f "$root/etc/nginx/sites-enabled/default"
    import nginx 'EXPOSE 80' 'STOPSIGNAL SIGQUIT' \
        'ENTRYPOINT ["nginx"]' 'CMD ["-g", "daemon off;"]'
}

make_moto() {
    unpack moto python3-venv
    as_root chroot "$root" python3 -m venv /moto
    as_root cp -L "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
    as_root chroot "$root" env -u PIP_FIND_LINKS PIP_CERT=/etc/ssl/certs/ca-certificates.crt /moto/bin/pip install \
        --quiet --disable-pip-version-check --no-cache-dir --no-compile 'moto[s3,server]==5.2.5'
    import moto 'ENV PATH=/moto/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'EXPOSE 5000' 'ENTRYPOINT ["moto_server", "-H", "0.0.0.0"]'
}

force=no
pull=no
while [[ "${1:-}" == --* ]]; do
    case $1 in
        --force) force=yes ;;
        --pull) pull=yes ;;
        *) fail "unknown option $1" ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- debian rust postgres haproxy nginx moto
for name in "$@"; do
    [ -n "${image[$name]:-}" ] || fail "there is no image '$name'"
    if [ $force = no ] && docker image inspect "${image[$name]}" >/dev/null 2>&1; then
        continue
    fi
    if [ $pull = yes ] && timeout 300 docker pull --quiet "${image[$name]}" 2>/dev/null; then
        continue
    fi
    echo "making ${image[$name]}"
    "make_$name"
done
