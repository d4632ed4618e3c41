#!/bin/sh
# Prints the bill of materials of the program (CycloneDX 1.5, JSON): every crate that goes into it
# or builds it, with its version, licence, checksum and dependencies.
# Usage: scripts/image/sbom.sh
set -eu
cd "$(dirname "$0")/../.."

tree=$(mktemp)
trap 'rm -f "$tree"' EXIT
cargo tree --locked --edges normal,build --prefix depth --format ' {p}|{l}' >"$tree"
exec awk -v date="$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)" '
    function quoted(text) { gsub(/["\\]/, "\\\\&", text); return "\"" text "\"" }
    function reference(name, version) { gsub(/\+/, "%2B", version); return "pkg:cargo/" name "@" version }

    # Cargo.lock: the checksum of each crate.
    FILENAME == "Cargo.lock" {
        if ($1 == "name") { gsub(/"/, "", $3); name = $3 }
        if ($1 == "version") { gsub(/"/, "", $3); version = $3 }
        if ($1 == "checksum") { gsub(/"/, "", $3); checksum[reference(name, version)] = $3 }
        next
    }

    # The tree: "DEPTH NAME vVERSION [(...)]|LICENCE [(*)]".
    {
        depth = $1
        version = substr($3, 2)
        sub(/\|.*/, "", version)
        ref = reference($2, version)
        licence = $0
        sub(/^[^|]*\|/, "", licence)
        sub(/ \(\*\)$/, "", licence)
        # An older way of writing the same.
        gsub(/\//, " OR ", licence)
        above[depth] = ref
        if (depth > 0 && !((above[depth - 1], ref) in edge)) {
            edge[above[depth - 1], ref] = 1
            needs[above[depth - 1]] = needs[above[depth - 1]] (needs[above[depth - 1]] ? ", " : "") quoted(ref)
        }
        if (!(ref in seen)) {
            seen[ref] = 1
            order[count++] = ref
            names[ref] = $2
            versions[ref] = version
            licences[ref] = licence
        }
    }

    function component(ref, type) {
        text = "{\"type\": \"" type "\", \"bom-ref\": " quoted(ref) ", \"name\": " quoted(names[ref])
        text = text ", \"version\": " quoted(versions[ref]) ", \"purl\": " quoted(ref)
        if (licences[ref] != "") text = text ", \"licenses\": [{\"expression\": " quoted(licences[ref]) "}]"
        if (ref in checksum) text = text ", \"hashes\": [{\"alg\": \"SHA-256\", \"content\": " quoted(checksum[ref]) "}]"
        return text "}"
    }

    END {
        print "{"
        print "  \"bomFormat\": \"CycloneDX\","
        print "  \"specVersion\": \"1.5\","
        print "  \"version\": 1,"
        print "  \"metadata\": {\"timestamp\": " quoted(date) ", \"component\": " component(order[0], "application") "},"
        print "  \"components\": ["
        for (at = 1; at < count; at++) print "    " component(order[at], "library") (at < count - 1 ? "," : "")
        print "  ],"
        print "  \"dependencies\": ["
        for (at = 0; at < count; at++)
            print "    {\"ref\": " quoted(order[at]) ", \"dependsOn\": [" needs[order[at]] "]}" (at < count - 1 ? "," : "")
        print "  ]"
        print "}"
    }
' Cargo.lock "$tree"
