#!/usr/bin/env python3
"""Runs the service under a steady load and shows that what it uses stays flat: memory, threads,
open files, the write-ahead log, the disk.

    scripts/soak.py [--minutes 60] [--program target/debug/lastcall]

Sessions come and go all the time, so that the cleaner works as well. The run is cut into eight
parts; the first two are for warming up. What is used at most in the last two parts has to be about
what was used at most in the two after the warm-up.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "containers"))
from engine import until  # noqa: E402
from load import Client, Load  # noqa: E402

TARGET = os.environ.get("CARGO_TARGET_DIR", "target")
PARTS = 8
# How long a session is used; it lives for twice as long, and the cleaner comes as often.
USED_FOR = 5
# What is shown, and how much more of it than before is no growth: a share, and a fixed amount.
LIMITS = {
    "resident MiB": (0.15, 24),
    "threads": (0.0, 8),
    "files": (0.0, 24),
    "WAL MiB": (0.5, 8),
    "disk MiB": (0.5, 16),
    "processes": (0.0, 4),
}


def tree_size(folder):
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            # Files of queries come and go.
            pass
    return total


def children(pid):
    found = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found += len((task / "children").read_text("ascii").split())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def sample(pid, folder):
    status = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
    number = lambda name: int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1])  # noqa: E731
    wal = folder / "lastcall.db-wal"
    mib = 1 << 20
    return {
        "resident MiB": number("VmRSS") / 1024,
        "threads": number("Threads"),
        "files": len(os.listdir(f"/proc/{pid}/fd")),
        "WAL MiB": wal.stat().st_size / mib if wal.exists() else 0,
        "disk MiB": tree_size(folder) / mib,
        "processes": children(pid),
    }


def use_a_session(port, failures):
    """One session: an upload, and jobs for a while. How many jobs have ended."""
    client = Client(port, "")
    session = client.json("POST", "/v1/sessions", json.dumps({"ttl": f"{2 * USED_FOR}s"}))["id"]
    with open("examples/parcels.csv", "rb") as data:
        client.json("PUT", f"/v1/sessions/{session}/datasets/parcels", data.read(),
                    {"Content-Type": "text/csv"})
    load = Load(port, "", session, strict=True)
    time.sleep(USED_FOR)
    load.stop()
    failures += load.failures
    return load.progress()


def run(minutes, program, folder):
    settings = {
        "LASTCALL__SERVER__BIND": "127.0.0.1:0",
        "LASTCALL__STORE__URL": f"sqlite://{folder}/lastcall.db",
        "LASTCALL__BLOBS__URL": f"file://{folder}/blobs",
        "LASTCALL__SESSIONS__CLEANUP_INTERVAL": f"{USED_FOR}s",
        "LASTCALL__SQL__REQUIRE_SANDBOX": "false",
        "LASTCALL__SHUTDOWN__LAME_DUCK": "0s",
    }
    log = folder / "log"
    with open(log, "wb") as out:
        service = subprocess.Popen([program], env={**os.environ, **settings}, stderr=out)
    try:
        ready = until("the service is ready", lambda: re.search(
            r"Lastcall ready on http://[\d.]+:(\d+)", log.read_text("utf-8", "replace")))
        port = int(ready[1])
        most = [dict.fromkeys(LIMITS, 0) for _ in range(PARTS)]
        jobs, failures = 0, []
        began = time.monotonic()
        while (passed := time.monotonic() - began) < minutes * 60:
            jobs += use_a_session(port, failures)
            part = most[min(int(passed / (minutes * 60) * PARTS), PARTS - 1)]
            for name, value in sample(service.pid, folder).items():
                part[name] = max(part[name], value)
        service.send_signal(signal.SIGTERM)
        code = service.wait(60)
    finally:
        service.kill()
        service.wait()
    print(f"{jobs} jobs in {minutes:g} minutes")
    grown = []
    for name, (share, fixed) in LIMITS.items():
        print(f"{name:>14}: " + " ".join(f"{part[name]:8.1f}" for part in most))
        before = max(part[name] for part in most[2:4])
        after = max(part[name] for part in most[-2:])
        if after > before * (1 + share) + fixed:
            grown.append(name)
    assert not failures, failures[:10]
    assert code == 0, f"exit code {code}"
    assert jobs, "no job has ended"
    assert not grown, f"grows: {', '.join(grown)}"
    print("flat")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("--program", default=f"{TARGET}/debug/lastcall")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="lastcall-soak.") as where:
        run(options.minutes, options.program, pathlib.Path(where))
