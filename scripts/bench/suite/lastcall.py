"""Lastcall: the service as it is shipped, and its parts around work that does nothing."""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from load import call
from processes import ROOT, TARGET, build, running

SERVICE = TARGET / "release" / "lastcall"
PARTS = TARGET / "release" / "bench-lastcall"
APALIS = TARGET / "release" / "bench-apalis"

READY = re.compile(r"Lastcall ready on (http://\S+)")

CONFIG = """
[server]
bind = "127.0.0.1:0"
[store]
url = "{store}"
[blobs]
url = "file://{folder}/blobs"
[state]
dir = "{folder}"
[analysis]
workers = {workers}
max_queued = 1000000
[report]
workers = 1
[shutdown]
deadline = "60s"
lame_duck = "0s"
"""


def build_parts() -> None:
    build(ROOT / "Cargo.toml", "--locked", "-p", "bench-lastcall")


def build_apalis() -> None:
    build(ROOT / "benches" / "apalis" / "Cargo.toml", "--locked")


def build_service() -> None:
    build(ROOT / "Cargo.toml", "--locked", "-p", "lastcall")


def await_line(log: Path, pattern: re.Pattern, process: subprocess.Popen) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := pattern.search(log.read_text()):
            return found.group(1)
        if process.poll() is not None:
            raise RuntimeError(f"it ended with {process.returncode}:\n{log.read_text()}")
        time.sleep(0.01)
    raise TimeoutError(f"{pattern.pattern} is not in {log}")


@contextlib.contextmanager
def service(
    folder: Path, workers: int, store: str | None = None, name: str = "lastcall"
) -> Iterator[tuple[str, subprocess.Popen]]:
    """`lastcall serve` on a free port, with its store and blobs in `folder`."""
    log, config = folder / f"{name}.log", folder / f"{name}.toml"
    store = store or f"sqlite://{folder}/lastcall.db"
    config.write_text(CONFIG.format(folder=folder, store=store, workers=workers))
    log.touch()
    with running([SERVICE, "--config", config, "serve"], log=log) as process:
        yield await_line(log, READY, process), process


@contextlib.contextmanager
def parts(folder: Path, work: str, workers: int = 4) -> Iterator[tuple[str, subprocess.Popen]]:
    """Lastcall's HTTP surface, actors and SQLite store around jobs that do nothing (`idle`) or
    never end (`parked`)."""
    log = folder / "parts.log"
    log.touch()
    with running([PARTS, "serve", work, workers, folder], log=log) as process:
        try:
            yield await_line(log, re.compile(r"^(http://\S+)", re.MULTILINE), process), process
        finally:
            process.kill()
            process.wait()


def once(*command) -> dict:
    """Runs a program that prints one JSON document last."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=600, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def new_session(base: str) -> str:
    return call("POST", f"{base}/v1/sessions", {})["id"]
