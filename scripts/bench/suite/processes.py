"""Processes that are started on a free port, waited for, and stopped whatever happens."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(os.environ["CARGO_TARGET_DIR"])
ROOT = Path(__file__).resolve().parents[3]
PEERS = Path(__file__).resolve().parents[1] / "peers"
VENV = TARGET / "bench" / "venv" / "bin"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid: int) -> float:
    """User and system time of the process, its living threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait_for(url: str, process: subprocess.Popen, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextlib.contextmanager
def running(command: list, env: dict | None = None, log: Path | None = None) -> Iterator:
    """The command, until the block ends; then it is told to stop, and after 30 s made to."""
    with open(log or os.devnull, "ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **(env or {})},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def fastapi(env: dict | None = None) -> Iterator[tuple[str, subprocess.Popen]]:
    """The usual service. One process: its jobs are in its memory."""
    port = free_port()
    command = [
        *(VENV / "uvicorn", "fastapi_service:app", "--app-dir", PEERS),
        *("--host", "127.0.0.1", "--port", port, "--workers", 1),
        *("--loop", "uvloop", "--http", "httptools"),
        *("--no-access-log", "--log-level", "warning"),
    ]
    with running(command, env) as process:
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/livez", process)
        yield base, process


def build(manifest: Path, *arguments: str) -> None:
    """A release build, into the build folder that all share."""
    command = ["cargo", "build", "--release", "--quiet", "--manifest-path", str(manifest)]
    subprocess.run([*command, *arguments], check=True)
