"""What a sweep of the time to live costs: beside live sessions, and for expired ones."""

import json
import subprocess
import tempfile

import lastcall
from tables import median, number, show

LIVE = [0, 1_000, 10_000, 100_000, 1_000_000]


def sweeps(live: int) -> list[dict]:
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        done = subprocess.run(
            [lastcall.PARTS, "ttl", str(live), folder],
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
    return [json.loads(line) for line in done.stdout.splitlines()]


def main(rounds: int, _seconds: int) -> None:
    lastcall.build_parts()
    seconds: dict[int, dict[int, list[float]]] = {live: {} for live in LIVE}
    for turn in range(min(rounds, 3)):
        for live in LIVE:
            for seen in sweeps(live):
                seconds[live].setdefault(seen["expired"], []).append(seen["seconds"])
            print(f"  round {turn + 1}: {live:,} live sessions", flush=True)
    rows = []
    for live, measured in seconds.items():
        cells = []
        for expired, values in sorted(measured.items()):
            took = median(values)
            cells.append(f"{number(took * 1e3)} ms")
            if expired:
                cells.append(f"{number(took / expired * 1e6)} us")
        rows.append([f"{live:,}", *cells])
    head = ["live sessions", "none expired"]
    for expired in sorted(seconds[0])[1:]:
        head += [f"{expired:,} expired", "each"]
    show("One sweep on SQLite; an expired session holds a job and its result", head, rows)
