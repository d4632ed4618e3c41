#!/usr/bin/env python3
"""Shows how soon the service is ready on embedded parts, and what it holds when nothing is asked of
it: at most 50 ms and 40 MiB in a release build.

    scripts/footprint.py [--program target/release/lastcall] [--starts 20]

A development build is not held to these figures; with it they are printed alone.
"""

import argparse
import os
import pathlib
import re
import signal
import statistics
import subprocess
import tempfile
import time

TARGET = os.environ.get("CARGO_TARGET_DIR", "target")
MAX_START_MS = 50
MAX_IDLE_MIB = 40
# The service gives memory back within seconds of its last work.
IDLE_FOR = 15


def start(program, folder):
    """A service that is ready, and the milliseconds that it took."""
    settings = {
        "LASTCALL__SERVER__BIND": "127.0.0.1:0",
        "LASTCALL__STORE__URL": f"sqlite://{folder}/lastcall.db",
        "LASTCALL__BLOBS__URL": f"file://{folder}/blobs",
        "LASTCALL__SHUTDOWN__LAME_DUCK": "0s",
    }
    began = time.perf_counter()
    service = subprocess.Popen([program], env={**os.environ, **settings}, stderr=subprocess.PIPE,
                               text=True)
    for line in service.stderr:
        if "Lastcall ready on" in line:
            return service, (time.perf_counter() - began) * 1000
    raise SystemExit(f"it ended: {service.wait()}")


def stop(service):
    service.send_signal(signal.SIGTERM)
    service.stderr.read()
    assert service.wait(60) == 0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--program", default=f"{TARGET}/release/lastcall")
    arguments.add_argument("--starts", type=int, default=20)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="lastcall-footprint.") as folder:
        took = []
        for _ in range(options.starts):
            service, milliseconds = start(options.program, folder)
            took.append(milliseconds)
            stop(service)
        service, _ = start(options.program, folder)
        time.sleep(IDLE_FOR)
        status = pathlib.Path(f"/proc/{service.pid}/status").read_text("ascii")
        idle = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
        stop(service)
    median = statistics.median(took)
    print(f"ready after {median:.0f} ms ({min(took):.0f} to {max(took):.0f}, {len(took)} starts)")
    print(f"idle: {idle:.1f} MiB resident")
    if "release" in pathlib.Path(options.program).parts:
        assert median <= MAX_START_MS, f"more than {MAX_START_MS} ms"
        assert idle <= MAX_IDLE_MIB, f"more than {MAX_IDLE_MIB} MiB"


if __name__ == "__main__":
    main()
