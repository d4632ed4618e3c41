"""One run of a peer on one file, as its manual would have it: `peers.py NAME FILE`.

Prints the seconds that it took as JSON, without those for starting Python and loading the peer.
"""

import json
import os
import sys
import time


def duckdb():
    import duckdb

    def run(path):
        connection = duckdb.connect()
        connection.execute("SUMMARIZE SELECT * FROM read_csv(?)", [path]).fetchall()

    return run


def polars():
    import polars

    def run(path):
        frame = polars.read_csv(path, try_parse_dates=True, infer_schema_length=10_000)
        frame.describe()
        frame.select(polars.all().n_unique())

    return run


def ydata():
    import pandas
    from ydata_profiling import ProfileReport

    def run(path):
        frame = pandas.read_csv(path)
        ProfileReport(frame, minimal=True, progress_bar=False).to_json()

    return run


def cpu():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


run = {"duckdb": duckdb, "polars": polars, "ydata": ydata}[sys.argv[1]]()
wall_before, cpu_before = time.monotonic(), cpu()
run(sys.argv[2])
print(json.dumps({"wall": time.monotonic() - wall_before, "cpu": cpu() - cpu_before}))
