#!/usr/bin/env bash
# Makes the Debian package: the program, its unit, its configuration, its documentation.
# Usage: scripts/deb.sh BINARY FOLDER     (the package is put into FOLDER)
#   scripts/image/cargo.sh build --release --locked --bin lastcall && scripts/deb.sh target/release/lastcall .
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$1
out=$(realpath "$2")
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
architecture=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
umask 022

install -D -m 0755 "$binary" "$root/usr/bin/lastcall"
strip --strip-debug "$root/usr/bin/lastcall"
install -D -m 0644 config/package.toml "$root/etc/lastcall/lastcall.toml"
install -D -m 0644 deploy/systemd/lastcall.service "$root/lib/systemd/system/lastcall.service"
install -D -m 0644 LICENSE "$root/usr/share/doc/lastcall/copyright"
install -m 0644 -t "$root/usr/share/doc/lastcall" docs/*.md
gzip -9nc CHANGELOG.md >"$root/usr/share/doc/lastcall/changelog.gz"

# What it needs of the C library is what it was linked with.
glibc=$(objdump -T "$binary" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: lastcall
Version: $version
Architecture: $architecture
Maintainer: The Lastcall developers <lastcall@localhost>
Section: net
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f 1)
Depends: libc6 (>= ${glibc#GLIBC_}), libgcc-s1, ca-certificates, adduser
Suggests: postgresql, haproxy
Description: durable analyses and reports behind an API
 Lastcall runs analyses and reports behind an API and never loses a job that it
 has accepted: not by a deploy, a crash, a deadline or a panic.
CONTROL
echo /etc/lastcall/lastcall.toml >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    adduser --system --group --home /var/lib/lastcall --no-create-home --quiet lastcall
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        # A first installation is enabled; an upgrade leaves that as it is and restarts what runs:
        # jobs that do not end in time are handed back and run again.
        if [ -z "$2" ]; then
            systemctl enable --now lastcall.service
        else
            systemctl try-restart lastcall.service
        fi
    fi
fi
SCRIPT
cat >"$root/DEBIAN/prerm" <<'SCRIPT'
#!/bin/sh
set -e
# While it is upgraded, the old version runs on until the new one is in place.
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now lastcall.service
fi
SCRIPT
cat >"$root/DEBIAN/postrm" <<'SCRIPT'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
# What was accepted is kept until it is asked to go.
if [ "$1" = purge ]; then
    rm -rf /var/lib/lastcall
fi
SCRIPT
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"
find "$root" -depth -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/lastcall_${version}_$architecture.deb" >/dev/null
echo "$out/lastcall_${version}_$architecture.deb"
