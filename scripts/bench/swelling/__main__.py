"""Profiles every file in a process of its own and measures the process from outside."""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

# In processes of their own: a child begins with the peak of the process that forked it.
FILES = pathlib.Path(__file__).with_name("files.py")

# What `lastcall profile` may use, and what a process takes beside it.
MEMORY = 1 << 30
BESIDE = 256 << 20
LONGEST = 120


def measure(command):
    """Seconds, CPU seconds, peak in bytes, exit code, the last line of what it says."""
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        watchdog = time.monotonic() + LONGEST
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > watchdog:
                process.send_signal(signal.SIGKILL)
            time.sleep(0.01)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    cpu = used.ru_utime + used.ru_stime
    return seconds, cpu, used.ru_maxrss * 1024, process.returncode, lines[-1] if lines else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lastcall", required=True)
    parser.add_argument("--files", type=pathlib.Path, help="a folder to keep the files in")
    parser.add_argument("--only", help="part of a file's name")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = wanted.files or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        failed = run(wanted, folder)
    sys.exit(f"beyond the bound, or not as it should end: {', '.join(failed)}" if failed else 0)


def run(wanted, folder):
    failed = []
    print(f"{'file':<22} {'bytes':>11} {'seconds':>8} {'CPU s':>7} {'peak MB':>8}  ends in")
    listed = subprocess.run([sys.executable, FILES, "--list"], check=True, capture_output=True)
    for name, ending, code in json.loads(listed.stdout):
        if wanted.only and wanted.only not in name:
            continue
        path = folder / f"{name}.{ending}"
        if not path.exists():
            subprocess.run([sys.executable, FILES, name, path], check=True)
        size = path.stat().st_size
        command = [wanted.lastcall, "profile", str(path)]
        seconds, cpu, peak, status, said = measure(command)
        right = status == 0 if code is None else code in said
        if not right or peak > MEMORY + BESIDE:
            failed.append(name)
        end = "a profile" if status == 0 else said.rsplit("(", 1)[-1].rstrip(")")[-60:]
        mark = "" if right and peak <= MEMORY + BESIDE else "  <-- wrong"
        print(
            f"{name:<22} {size:>11,} {seconds:>8.2f} {cpu:>7.2f} {peak / 2**20:>8.0f}  {end}{mark}",
            flush=True,
        )
    return failed


main()
