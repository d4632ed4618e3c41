"""One run of a peer on one file, as its manual would have it: `peers.py NAME FILE`."""

import sys


def duckdb(path):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SUMMARIZE SELECT * FROM read_csv(?)", [path]).fetchall()


def polars(path):
    import polars

    frame = polars.read_csv(path, try_parse_dates=True, infer_schema_length=10_000)
    frame.describe()
    frame.select(polars.all().n_unique())


def ydata(path):
    import pandas
    from ydata_profiling import ProfileReport

    ProfileReport(pandas.read_csv(path), minimal=True, progress_bar=False).to_json()


{"duckdb": duckdb, "polars": polars, "ydata": ydata}[sys.argv[1]](sys.argv[2])
