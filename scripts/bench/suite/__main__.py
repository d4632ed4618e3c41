"""Runs the benchmarks that are named and prints their tables."""

import argparse
import importlib

import machine

SUITES = ["submits", "jobs", "livez", "drain", "ttl"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="?", default="all", choices=[*SUITES, "all"])
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each participant")
    parser.add_argument("--seconds", type=int, default=3, help="length of one HTTP measurement")
    arguments = parser.parse_args()

    machine.describe()
    for name in SUITES if arguments.suite == "all" else [arguments.suite]:
        importlib.import_module(name).main(arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
