"""Runs a program once and tells what it took."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
MIB = 1 << 20
CORES = len(os.sched_getaffinity(0))


def example(name):
    return str(Path(os.environ["CARGO_TARGET_DIR"]) / "release/examples" / name)


def make(kind, path, *arguments):
    """Data of a kind, made by another process: a process begins with the peak memory of the one
    that starts it."""
    subprocess.run(
        [sys.executable, str(HERE / "data.py"), kind, str(path), *map(str, arguments)], check=True
    )


def ours(path, threads=CORES, memory=256 * MIB):
    """One profile. The engine's helpers are threads besides the caller's."""
    variables = {"THREADS": str(threads - 1), "MEMORY": str(memory)}
    return once([example("profile"), str(path)], variables)[0]


def peer(name, path):
    figures, output = once([sys.executable, str(HERE / "peers.py"), name, str(path)])
    return figures | json.loads(output.splitlines()[-1])


def once(command, variables={}):
    """Wall and CPU seconds, peak resident MiB and MiB read of one run, and what it printed."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.PIPE)
    output = process.stdout.read()
    # While it is not reaped its counters are there to be read.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    counters = Path(f"/proc/{process.pid}/io").read_text().split()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / 1024,
        "read": int(counters[counters.index("rchar:") + 1]) / MIB,
    }, output


def read_only(path):
    """CPU seconds for copying the file into memory, which bounds everyone."""
    began = time.process_time()
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(MIB)
        while file.readinto(buffer):
            pass
    return time.process_time() - began
