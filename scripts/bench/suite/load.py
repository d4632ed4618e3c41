"""Load by wrk: 64 connections that stay open, one thread, each asking as soon as it is answered."""

import json
import math
import os
import subprocess
import urllib.request
from pathlib import Path

from processes import cpu_seconds

CONNECTIONS = 64
SCRIPT = Path(__file__).with_name("wrk.lua")


def wrk(url: str, seconds: int, body: str | None = None) -> dict:
    """What wrk saw. Raises where a request failed or was refused: a fast error is no answer."""
    env = {**os.environ, "WRK_METHOD": "POST", "WRK_BODY": body} if body else dict(os.environ)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
        + ["-s", str(SCRIPT), url],
        env=env,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    if seen["refused"] or seen["failed"]:
        raise RuntimeError(f"{url}: {seen}")
    return seen


def measured(url: str, seconds: int, pid: int, body: str | None = None) -> dict:
    """Warms up, then measures: answers per second, their latency, the server's CPU time."""
    wrk(url, 1, body)
    before = cpu_seconds(pid)
    seen = wrk(url, seconds, body)
    spent = cpu_seconds(pid) - before
    answered = seen["requests"]
    return {
        "per_second": answered / seen["seconds"],
        # Where nothing was answered, every request took longer than was measured.
        "p50_ms": seen["p50_ms"] if answered else math.inf,
        "p99_ms": seen["p99_ms"] if answered else math.inf,
        "cpu_us": spent / answered * 1e6 if answered else math.inf,
        "requests": answered,
    }


def call(method: str, url: str, body: dict | bytes | None = None, kind: str = "") -> dict:
    """One request and its JSON answer."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    headers = {"Content-Type": kind or "application/json"} if data is not None else {}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.loads(response.read() or b"{}")
