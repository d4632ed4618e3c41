#!/bin/sh
# Lays out fonts of Debian packages for the image.
# Usage: scripts/image/fonts.sh FOLDER [PACKAGE...]
set -eu

out=$1
shift
[ $# -gt 0 ] || exit 0
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
mkdir -p "$out/usr/share"
cp -a /usr/share/fonts "$out/usr/share/fonts"
