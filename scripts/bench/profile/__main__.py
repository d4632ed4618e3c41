"""Runs the participants in turns and prints what they took."""

import argparse
import json
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import run
from run import CORES, MIB

sys.path.append(str(Path(__file__).parent.parent / "suite"))
import machine  # noqa: E402
import tables  # noqa: E402

COLUMNS = {"wall": "wall s", "cpu": "CPU s", "peak": "peak MiB"}
PACKAGES = {"duckdb": "duckdb", "polars": "polars", "ydata": "ydata-profiling"}
AIMS = {"duckdb": 3, "polars": 3, "ydata": 50}


def side_by_side(path, peers, rounds):
    """Everything on the same file. Slow peers are measured once, however many rounds there are."""
    size = path.stat().st_size
    participants = {
        "lastcall, 1 thread": lambda: run.ours(path, threads=1),
        f"lastcall, {CORES} threads": lambda: run.ours(path),
        f"lastcall, {CORES} threads, 1 GiB": lambda: run.ours(path, memory=1024 * MIB),
    }
    for name in peers:
        if name != "ydata":
            participants[named(name)] = lambda name=name: run.peer(name, path)
    figures = tables.alternate(participants, rounds)
    if "ydata" in peers:
        figures |= tables.alternate({named("ydata"): lambda: run.peer("ydata", path)}, 1)
    tables.show_figures(f"Profile of {size / 1e6:,.0f} MB of CSV", COLUMNS, figures)
    ratios(figures, peers, size, path)


def named(peer):
    return f"{peer} {version(PACKAGES[peer])}"


def ratios(figures, peers, size, path):
    one, all_cores = list(figures)[:2]

    def median(name, figure):
        return tables.median(figures[name][figure])

    cpu = median(all_cores, "cpu")
    shown = [
        (f"CPU of {named(peer)} / ours", median(named(peer), "cpu") / cpu, f"{AIMS[peer]}")
        for peer in peers
    ]
    shown += [
        (f"wall time of {named(peer)} / ours", median(named(peer), "wall") / median(all_cores, "wall"), "")
        for peer in peers
    ]
    shown.append(("wall time, 1 thread / all", median(one, "wall") / median(all_cores, "wall"), f"{CORES}"))
    tables.show_ratios(shown)
    copying = run.read_only(path)
    print(
        f"peak memory of ours: {max(figures[all_cores]['peak']):.0f} MiB (aim: 100); "
        f"{size / 1e6 / cpu:.0f} MB per CPU second; copying the file into memory takes "
        f"{copying:.2f} CPU s, 1/{cpu / copying:.0f} of a profile",
        flush=True,
    )


def parquet(folder, mixed):
    """The same data as Parquet, and how much of it is read."""
    path = folder / "mixed.parquet"
    run.once([run.example("to_parquet"), str(mixed), str(path)])
    figures = {
        "profile": run.ours(path),
        "schema": run.once([run.example("measure"), "schema", str(path)])[0],
        "schema of the CSV": run.once([run.example("measure"), "schema", str(mixed)])[0],
    }
    figures = {name: {key: [value] for key, value in row.items()} for name, row in figures.items()}
    size = path.stat().st_size / MIB
    tables.show_figures(f"The same data as {size:.0f} MiB of Parquet", COLUMNS | {"read": "read MiB"}, figures)


def extremes(folder, mixed, large):
    """What is to fit in `analysis.memory = 512MiB`."""
    makers = {
        "2,000 columns": ["wide", 2000, 20_000],
        "cells of 1 MB": ["long_cells", 500, MIB],
        "10 million different texts": ["texts", 10_000_000],
    }
    if large:
        makers[f"{large} GB"] = ["large", mixed, large * 10**9]
    figures = {}
    for name, (kind, *arguments) in makers.items():
        path = folder / "extreme.csv"
        run.make(kind, path, *arguments)
        taken = run.ours(path, memory=512 * MIB) | {"size": path.stat().st_size / 1e6}
        figures[name] = {key: [value] for key, value in taken.items()}
        path.unlink()
    tables.show_figures("Within 512 MiB", {"size": "MB"} | COLUMNS, figures)


def cancelling(path, points):
    _, output = run.once([run.example("measure"), "cancel", str(path), str(points)])
    found = json.loads(output)
    print(
        f"cancelled at {found['cancelled']} points: {found['median_ms']:.1f} ms until the end, "
        f"at most {found['longest_ms']:.1f} ms (aim: 50); threads left: {found['threads_left']}, "
        f"temporary files left: {found['files_left']}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000, help="175 bytes each, about")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="duckdb,polars,ydata")
    parser.add_argument("--large", type=int, default=0, metavar="GB", help="profile a file of this size, too")
    parser.add_argument("--only", choices=["peers", "parquet", "extremes", "cancelling"])
    options = parser.parse_args()
    machine.describe()
    folder = Path(tempfile.mkdtemp(prefix="bench-profile-"))
    try:
        mixed = folder / "mixed.csv"
        run.make("mixed", mixed, options.rows)
        print(f"{options.rows:,} rows, 17 columns")
        if options.only in (None, "peers"):
            side_by_side(mixed, [p for p in options.peers.split(",") if p], options.rounds)
        if options.only in (None, "parquet"):
            parquet(folder, mixed)
        if options.only in (None, "cancelling"):
            cancelling(mixed, 40)
        if options.only in (None, "extremes"):
            extremes(folder, mixed, options.large)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
