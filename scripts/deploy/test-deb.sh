#!/usr/bin/env bash
# Makes the Debian package of the program that was built last, and looks at what is in it.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=${CARGO_TARGET_DIR:-target}/debug/lastcall
[ -x "$binary" ] || cargo build --workspace --exclude lastcall-actors --bin lastcall --locked
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Packing well is not what is tested.
package=$(sed 's/-Zxz/-Zgzip -z1/' scripts/deb.sh >"$work/deb.sh" && sed -i "s#^cd .*#cd '$PWD'#" "$work/deb.sh" \
    && bash "$work/deb.sh" "$binary" "$work")
dpkg-deb --field "$package" Package Version Depends
dpkg-deb -x "$package" "$work/root"
dpkg-deb -e "$package" "$work/control"
for script in postinst prerm postrm; do sh -n "$work/control/$script"; done
for file in usr/bin/lastcall etc/lastcall/lastcall.toml lib/systemd/system/lastcall.service \
    usr/share/doc/lastcall/copyright usr/share/doc/lastcall/operations.md; do
    [ -s "$work/root/$file" ] || { echo "the package has no $file" >&2; exit 1; }
done
# The configuration is one that the program takes, and its deadline is below the unit's.
"$work/root/usr/bin/lastcall" --config "$work/root/etc/lastcall/lastcall.toml" check >"$work/checked"
grep -q '25s' "$work/checked"
grep -qx 'TimeoutStopSec=30s' "$work/root/lib/systemd/system/lastcall.service"
