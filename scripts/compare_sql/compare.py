#!/usr/bin/env python3
"""Asks Lastcall, DuckDB and PostgreSQL the same queries and shows where the answers differ.

    pip install -r scripts/compare_sql/requirements.txt
    cargo build -p lastcall-sql --example ask
    python scripts/compare_sql/compare.py [--postgres URL] [--ask PROGRAM] [--all]

Without a URL only DuckDB is asked. Queries are the lines of queries.sql beside this file. A line
of the output begins with what was found:

    same    all agree
    ours    DuckDB and PostgreSQL agree, and Lastcall differs: to be mended, or documented
    error   Lastcall refuses what both answer
    lax     Lastcall answers what both refuse
    mixed   DuckDB and PostgreSQL differ themselves

The exit code is 1 where a line of the kinds ours or lax is not listed in known.txt beside this
file. `--all` shows the lines that agree, too.
"""

import argparse
import datetime as dt
import decimal
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
ASK = HERE.parent.parent / "target" / "debug" / "examples" / "ask"


def tables():
    day, second = dt.date, dt.datetime
    t = pa.table({
        "id": pa.array([1, 2, 3, 4, 5, 6], pa.int64()),
        "a": pa.array([7, -7, 5, None, 0, 9223372036854775807], pa.int64()),
        "b": pa.array([2, 2, -3, 4, None, 1], pa.int64()),
        "x": pa.array([0.5, -2.5, 3.75, None, 0.0, 1e10], pa.float64()),
        "s": pa.array(["Straße", "éclair", None, "a%b_c", "", "日本語"], pa.string()),
        "g": pa.array(["p", "q", "p", None, "q", "p"], pa.string()),
        "d": pa.array([day(2024, 1, 31), day(2023, 12, 31), day(1969, 7, 20), None,
                       day(2024, 2, 29), day(9999, 12, 31)], pa.date32()),
        "ts": pa.array([second(2024, 1, 31, 23, 59, 59, 999999), second(1970, 1, 1), None,
                        second(1969, 12, 31, 23, 59, 59), second(2024, 3, 10, 2, 30),
                        second(9999, 12, 31, 23, 59, 59)], pa.timestamp("us")),
        "f": pa.array([True, False, None, True, True, False], pa.bool_()),
        "m": pa.array([decimal.Decimal("1.25"), decimal.Decimal("-1.25"), decimal.Decimal("0.10"),
                       None, decimal.Decimal("10.00"), decimal.Decimal("3.33")],
                      pa.decimal128(10, 2)),
    })
    u = pa.table({
        "id": pa.array([1, 2, 2, 7, None], pa.int64()),
        "v": pa.array(["one", "two", "zwei", "seven", "none"], pa.string()),
        "x": pa.array([0.5, -2.5, -0.0, 1.0, None], pa.float64()),
    })
    return {"t": t, "u": u}


POSTGRES_TYPES = {
    "int64": "bigint", "double": "double precision", "string": "text", "date32[day]": "date",
    "timestamp[us]": "timestamp", "bool": "boolean", "decimal128(10, 2)": "numeric(10,2)",
}

INTERVAL = re.compile(r"^P(?=.)(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?"
                      r"(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?$")
MOMENT = re.compile(r"^-?\d{4,}-\d\d-\d\d(?:T[\d:.]+Z?)?$")


def plain(value):
    """A value as something that compares across the three."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, decimal.Decimal)):
        if isinstance(value, float) and not math.isfinite(value):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        return float(value) if isinstance(value, float) else decimal.Decimal(value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat().removesuffix("T00:00:00")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return ("interval", value.total_seconds())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, str) and (found := INTERVAL.match(value)):
        years, months, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
        days += 30 * (months + 12 * years)
        return ("interval", ((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if isinstance(value, str) and MOMENT.match(value):
        value = value.removesuffix("Z")
        if "." in value:
            value = value.rstrip("0").removesuffix(".")
            head, _, tail = value.partition(".")
            value = f"{head}.{tail:0<6}" if tail else head
        return value.removesuffix("T00:00:00")
    return value


def alike(a, b):
    if isinstance(a, (float, decimal.Decimal)) and isinstance(b, (float, decimal.Decimal)):
        if isinstance(a, decimal.Decimal) and isinstance(b, decimal.Decimal) and a == b:
            return True
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    return type(a) is type(b) and a == b


def key(row):
    return json.dumps(row, default=str, ensure_ascii=False)


def rows_alike(query, a, b):
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str)
    if "order by" not in query.lower():
        a, b = sorted(a, key=key), sorted(b, key=key)
    return len(a) == len(b) and all(map(alike, a, b))


def ask_duckdb(data, queries):
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for name, table in data.items():
        connection.register(f"{name}_", table)
        connection.execute(f"create table {name} as from {name}_")
    for query in queries:
        try:
            yield [plain(list(row)) for row in connection.execute(query).fetchall()]
        except (duckdb.Error, ValueError, OverflowError) as error:
            yield str(error).splitlines()[0]


def ask_postgres(url, data, queries):
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create temp table empty_ ()")
        for name, table in data.items():
            fields = ", ".join(f"{field.name} {POSTGRES_TYPES[str(field.type)]}"
                               for field in table.schema)
            connection.execute(f"create temp table {name} ({fields})")
            marks = ", ".join(["%s"] * table.num_columns)
            for row in table.to_pylist():
                connection.execute(f"insert into {name} values ({marks})", list(row.values()))
        for query in queries:
            try:
                yield [plain(list(row)) for row in connection.execute(query.encode()).fetchall()]
            except (psycopg.Error, ValueError, OverflowError) as error:
                yield str(error).splitlines()[0]


def ask_lastcall(program, data, queries):
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, table in data.items():
            path = pathlib.Path(folder) / f"{name}.parquet"
            pq.write_table(table, path)
            files.append(f"{name}={path}")
        asked = "".join(json.dumps(query) + "\n" for query in queries)
        answer = subprocess.run([program, *files], input=asked, capture_output=True, text=True,
                                check=True)
    for line in answer.stdout.splitlines():
        found = json.loads(line, parse_float=float)
        if "error" in found:
            yield f"{found['error']}: {found['message']}"
        else:
            yield [plain(row) for row in found["rows"]]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--postgres")
    options.add_argument("--ask", default=str(ASK))
    options.add_argument("--all", action="store_true")
    options = options.parse_args()

    lines = (HERE / "queries.sql").read_text().splitlines()
    queries = [line for line in lines if line.strip() and not line.startswith("--")]
    known = {line for line in (HERE / "known.txt").read_text().splitlines()
             if line and not line.startswith("#")}
    data = tables()
    ours = list(ask_lastcall(options.ask, data, queries))
    duck = list(ask_duckdb(data, queries))
    post = list(ask_postgres(options.postgres, data, queries)) if options.postgres else duck
    counts, new = {}, 0
    for query, a, b, c in zip(queries, ours, duck, post, strict=True):
        refused = [isinstance(answer, str) for answer in (a, b, c)]
        if not rows_alike(query, b, c):
            found = "same" if rows_alike(query, a, b) or rows_alike(query, a, c) else "mixed"
        elif rows_alike(query, a, b):
            found = "same"
        elif refused[0]:
            found = "error"
        else:
            found = "lax" if refused[1] else "ours"
        counts[found] = counts.get(found, 0) + 1
        if found in ("ours", "lax") and query not in known:
            new += 1
            found = found.upper()
        if options.all or found != "same":
            print(f"{found:5} {query}")
            if found != "same":
                for name, answer in (("lastcall", a), ("duckdb", b), ("postgres", c)):
                    print(f"        {name:8} {answer if isinstance(answer, str) else key(answer)}")
    print(", ".join(f"{count} {found}" for found, count in sorted(counts.items())))
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
