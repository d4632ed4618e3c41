#!/usr/bin/env bash
# Checks what deploy/ ships: the chart against the schemas of Kubernetes, alerts and dashboard, the
# configurations of the balancers, the unit of systemd, the Debian package.
# Usage: scripts/test-deploy.sh     (after a build: the package holds the program)
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/target/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# Programs of Debian packages that are unpacked, not installed: they would start services.
unpack() {
    [ -x "$tools/$1/$2" ] && return
    (
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        chmod 755 "$folder"
        cd "$folder"
        apt-get download -qq "$1" >/dev/null 2>&1 || { as_root apt-get update -qq; apt-get download -qq "$1"; }
        mkdir -p "$tools"
        dpkg-deb -x ./*.deb "$tools/$1"
    )
}

python=$tools/deploy/bin/python
if ! "$python" -c 'import yaml, jsonschema, kubernetes_validate' 2>/dev/null; then
    scripts/install.sh
    mkdir -p "$tools"
    python3 -m venv "$tools/deploy"
    "$tools/deploy/bin/pip" install --quiet --disable-pip-version-check \
        pyyaml==6.0.4 jsonschema==4.26.0 kubernetes-validate==1.37.0
fi
echo '-- chart'
PYTHONDONTWRITEBYTECODE=1 "$python" scripts/deploy/helm.py check

echo '-- alerts'
unpack prometheus usr/bin/promtool
"$tools/prometheus/usr/bin/promtool" check rules deploy/monitoring/alerts.yaml
"$tools/prometheus/usr/bin/promtool" test rules scripts/deploy/alerts.test.yaml

echo '-- HAProxy'
scripts/deploy/haproxy.sh "$work"

echo '-- nginx'
unpack nginx usr/sbin/nginx
# Names of the replicas are looked up at once; here they are this machine.
sed 's/lastcall-[123]:8080/127.0.0.1:8080/; s#/tmp/#'"$work"'/#; s#listen 8080#listen 127.0.0.1:8080#' deploy/nginx.conf >"$work/nginx.conf"
"$tools/nginx/usr/sbin/nginx" -t -q -e stderr -c "$work/nginx.conf"

echo '-- secrets of Compose'
scripts/deploy/secrets.sh "$work"

echo '-- Traefik'
"$python" - <<'PYTHON'
import yaml
for name in ("traefik", "dynamic"):
    with open(f"deploy/traefik/{name}.yaml", encoding="utf-8") as file:
        assert yaml.safe_load(file)
PYTHON

echo '-- systemd'
scripts/deploy/systemd.sh "$work"

echo '-- two builds'
scripts/deploy/test-reproducible.sh

echo '-- Debian package'
scripts/deploy/test-deb.sh
echo 'deploy/ is in order'
