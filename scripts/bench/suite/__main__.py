"""Runs the benchmarks that are named and prints their tables."""

import argparse
import importlib

import machine

SUITES = ["submits", "jobs", "livez", "drain", "ttl"]
# Takes as long as its jobs take, and is not among "all".
SOAK = "soak"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="?", default="all", choices=[*SUITES, SOAK, "all"])
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each participant")
    parser.add_argument("--seconds", type=int, default=3, help="length of one HTTP measurement")
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs of the soak")
    parser.add_argument("--clients", type=int, default=6, help="clients of the soak")
    arguments = parser.parse_args()

    machine.describe()
    if arguments.suite == SOAK:
        importlib.import_module(SOAK).main(arguments.jobs, arguments.clients)
        return
    for name in SUITES if arguments.suite == "all" else [arguments.suite]:
        importlib.import_module(name).main(arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
