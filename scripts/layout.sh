#!/bin/sh
# Lays out the files of the container image: the program, what it loads, and what it reads.
# Usage: scripts/layout.sh BINARY FOLDER     (beside BINARY its bill of materials, BINARY.cdx.json)
set -eu
cd "$(dirname "$0")/.."

binary=$1
out=$2
user=10001
fail() {
    echo "scripts/layout.sh: $*" >&2
    exit 1
}

install -D -m 0755 "$binary" "$out/usr/local/bin/lastcall"
install -D -m 0644 config/prod.toml "$out/etc/lastcall/prod.toml"

# The libraries, where the loader looks for them; the loader is among them.
libraries=$(ldd "$binary" 2>&1)
case $libraries in
    *'not found'*) fail "the program needs libraries that are not here: $libraries" ;;
esac
echo "$libraries" | grep -o '/[^ ]*' | sort -u | while read -r library; do
    install -D -m 0755 "$(readlink -f "$library")" "$out$library"
done

# Certificates for PostgreSQL and S3 over TLS.
certificates=/etc/ssl/certs/ca-certificates.crt
[ -s $certificates ] || fail "there are no certificates in $certificates"
install -D -m 0644 $certificates "$out$certificates"

echo "root:x:0:0:root:/:/sbin/nologin
lastcall:x:$user:$user:Lastcall:/var/lib/lastcall:/sbin/nologin" >"$out/etc/passwd"
echo "root:x:0:
lastcall:x:$user:" >"$out/etc/group"
echo 'hosts: files dns' >"$out/etc/nsswitch.conf"

install -D -m 0644 LICENSE "$out/usr/share/doc/lastcall/LICENSE"
install -D -m 0644 "$binary.cdx.json" "$out/usr/share/doc/lastcall/lastcall.cdx.json"

# The two places that are written to: the volume and /tmp.
install -d -m 1777 "$out/tmp"
install -d -m 0750 "$out/var/lib/lastcall"
[ "$(id -u)" -ne 0 ] || chown "$user:$user" "$out/var/lib/lastcall"

# Two images of one commit have the same files.
find "$out" -depth -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}" {} +
