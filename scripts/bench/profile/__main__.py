"""Runs the participants in turns and prints what they took."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import data

HERE = Path(__file__).parent
MIB = 1 << 20


def ours(threads, memory):
    binary = Path(os.environ["CARGO_TARGET_DIR"]) / "release/examples/profile"
    variables = {"THREADS": str(threads), "MEMORY": str(memory)}
    return [str(binary)], variables


def participants(peers):
    """Name, command, variables. Helpers are threads besides the caller's."""
    cores = os.cpu_count() or 1
    yield "lastcall, 1 thread", *ours(0, 256 * MIB)
    yield f"lastcall, {cores} threads", *ours(cores - 1, 256 * MIB)
    for peer in peers:
        yield peer, [sys.executable, str(HERE / "peers.py"), peer], {}


def measure(command, variables, path):
    """Wall seconds, CPU seconds and peak resident MiB of one run."""
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, str(path)], env=os.environ | variables, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def table(results, size):
    reference = statistics.median(cpu for _, cpu, _ in next(iter(results.values())))
    print(f"{'':24}{'wall s':>10}{'CPU s':>10}{'times ours':>12}{'MB/CPU s':>10}{'peak MiB':>10}")
    for name, runs in results.items():
        wall, cpu, peak = (statistics.median(column) for column in zip(*runs))
        print(
            f"{name:24}{wall:10.2f}{cpu:10.2f}{cpu / reference:12.2f}"
            f"{size / 1e6 / cpu:10.0f}{peak:10.0f}"
        )


def read_only(path):
    """How fast this machine copies the file into memory, which bounds everyone."""
    began = time.process_time()
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(MIB)
        while file.readinto(buffer):
            pass
    return time.process_time() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=3_000_000, help="175 bytes each, about")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="duckdb,polars,ydata")
    parser.add_argument("--large", type=int, default=0, help="GB to profile within 512 MiB")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-profile-"))
    try:
        path = folder / "mixed.csv"
        data.write(path, options.rows)
        size = path.stat().st_size
        print(f"{options.rows} rows, {len(data.COLUMNS)} columns, {size / 1e6:.0f} MB of CSV\n")
        read_only(path)
        everyone = list(participants([p for p in options.peers.split(",") if p]))
        results = {name: [] for name, _, _ in everyone}
        for _ in range(options.rounds):
            for name, command, variables in everyone:
                results[name].append(measure(command, variables, path))
        table(results, size)
        print(f"\nreading the file alone: {read_only(path):.2f} CPU s")
        if options.large:
            path = data.repeat(path, options.large * 10**9)
            wall, cpu, peak = measure(*ours(os.cpu_count() or 1, 512 * MIB), path)
            print(f"\n{path.stat().st_size / 1e9:.1f} GB within 512 MiB: "
                  f"{wall:.0f} s, {cpu:.0f} CPU s, peak {peak:.0f} MiB")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
