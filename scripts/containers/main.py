"""Runs the tests of the containers, one after the other; scripts/test-containers.sh calls it."""

import argparse
import hashlib
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback

from cluster import Cluster
from engine import Compose
from image import Image

KEY = "only-for-tests"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def run(suite):
    """Runs the tests of the suite in their order; how many passed and failed.

    They build on one another: after one that failed the rest of the suite is not run.
    """
    passed, failed = 0, 0
    for test in suite.TESTS:
        name = f"{type(suite).__name__.lower()}::{test.__name__}"
        began = time.monotonic()
        try:
            test(suite)
        except Exception:  # noqa: BLE001: each is reported
            failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
            break
        passed += 1
        print(f"ok {name} ({time.monotonic() - began:.0f} s)", flush=True)
    return passed, failed


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--image", required=True)
    arguments.add_argument("--profile", required=True)
    arguments.add_argument("--rounds", type=int, required=True)
    arguments.add_argument("--chaos", type=float, default=0, help="minutes of faults in random order")
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments.add_argument("--keep", action="store_true", help="leave the cluster running")
    options = arguments.parse_args()

    # What was started is removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory(prefix="lastcall-containers.") as folder:
        keys = os.path.join(folder, "keys")
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        with open(keys, "w", encoding="ascii") as file:
            file.write(f'[{{"name": "test", "sha256": "{digest}", "role": "admin"}}]')
        os.chmod(folder, 0o755)
        # The folder as it is in the repository, in a place where it may make its secrets.
        deploy = shutil.copytree("deploy", os.path.join(folder, "deploy"),
                                 ignore=shutil.ignore_patterns("secrets"))
        port = free_port()
        image = Image(options.image, options.profile, keys, KEY)
        cluster = Cluster(Compose(deploy, options.image, port), port, options.rounds,
                          (options.chaos * 60, options.seed) if options.chaos else None)
        for suite in (image, cluster):
            try:
                done = run(suite)
                if done[1] and suite is cluster:
                    names = ["haproxy", "lastcall-1", "lastcall-2", "lastcall-3"]
                    print(cluster.compose("logs", "--no-color", "--tail", "40", *names, check=False))
            finally:
                if options.keep and suite is cluster:
                    print(f"left running: project {cluster.compose.project}, port {port}")
                else:
                    suite.close()
            passed, failed = passed + done[0], failed + done[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
