#!/usr/bin/env python3
"""Reads every data file below a folder with Lastcall and with pandas, pyarrow, DuckDB and openpyxl,
and prints the differences by kind: where one reader refuses what others read, rows, columns, names,
missing cells and sums.

    python3 -m venv venv && venv/bin/pip install -r scripts/compare-readers.txt
    venv/bin/python scripts/compare-readers.py FOLDER --lastcall target/release/lastcall [--json OUT]

Each reader gets a process of its own, bounded in time and memory: files of test suites are made to
break readers. Readers differ for good reasons as well; the list is for people to go through.
"""

import argparse
import collections
import json
import math
import pathlib
import resource
import subprocess
import sys
import tempfile

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
READERS = {
    "csv": ["pandas", "pyarrow", "duckdb"],
    "ndjson": ["pandas", "pyarrow", "duckdb"],
    "parquet": ["pandas", "pyarrow", "duckdb"],
    "xlsx": ["pandas", "openpyxl"],
}
SECONDS = 60
MEMORY = 4 << 30
# As many columns of a file are compared, and so many examples of a kind are printed.
COLUMNS = 200
EXAMPLES = 5


def format_of(path):
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] == ".gz":
        endings.pop()
    return FORMATS.get(endings[-1]) if endings else None


def figures(frame):
    """What is compared: rows, and of each column its name, missing cells and sum."""
    import pandas

    columns = []
    for place in range(min(frame.shape[1], COLUMNS)):
        values = frame.iloc[:, place]
        numeric = pandas.api.types.is_numeric_dtype(values)
        numeric = numeric and not pandas.api.types.is_bool_dtype(values)
        total = float(values.sum()) if numeric and values.notna().any() else None
        columns.append([str(frame.columns[place]), int(values.isna().sum()), total])
    return {"rows": len(frame), "width": frame.shape[1], "columns": columns}


def read_pandas(path, kind):
    import pandas

    if kind == "csv":
        return figures(pandas.read_csv(path, sep=None, engine="python"))
    if kind == "ndjson":
        return figures(pandas.read_json(path, lines=True))
    if kind == "parquet":
        return figures(pandas.read_parquet(path))
    return figures(pandas.read_excel(path))


def read_pyarrow(path, kind):
    if kind == "csv":
        import pyarrow.csv

        return figures(pyarrow.csv.read_csv(path).to_pandas())
    if kind == "ndjson":
        import pyarrow.json

        return figures(pyarrow.json.read_json(path).to_pandas())
    import pyarrow.parquet

    return figures(pyarrow.parquet.ParquetFile(path).read().to_pandas())


def read_duckdb(path, kind):
    import duckdb

    reader = {"csv": "read_csv", "ndjson": "read_ndjson", "parquet": "read_parquet"}[kind]
    return figures(duckdb.connect().execute(f"from {reader}(?)", [str(path)]).df())


def read_openpyxl(path, _):
    import openpyxl
    import pandas

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    rows = [row for row in book.worksheets[0].iter_rows(values_only=True) if any(row)]
    if not rows:
        return {"rows": 0, "width": 0, "columns": []}
    width = max(len(row) for row in rows)
    rows = [list(row) + [None] * (width - len(row)) for row in rows]
    return figures(pandas.DataFrame(rows[1:], columns=rows[0]))


def read_lastcall(path, program):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "profile.json"
        done = subprocess.run(
            [program, "profile", str(path), "-o", str(out)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr else "died")
        profile = json.loads(out.read_text())
    columns = [
        [column["name"], column["missing"], (column.get("numeric") or {}).get("sum")]
        for column in profile["columns"][:COLUMNS]
    ]
    dataset = profile["dataset"]
    return {"rows": dataset["rows"], "width": dataset["columns"], "columns": columns}


def child(reader, path, kind):
    """Reads in a process of its own, so that no file ends the comparison."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        found = globals()[f"read_{reader}"](path, kind)
    except Exception as error:  # noqa: BLE001 (whatever a reader says is an answer)
        found = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
    print(json.dumps(found))


def read(reader, path, kind, program):
    try:
        if reader == "lastcall":
            return read_lastcall(path, program)
        done = subprocess.run(
            [sys.executable, __file__, "--child", reader, str(path), kind],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        return json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"error": "took too long"}
    except IndexError:
        return {"error": "died"}
    except RuntimeError as error:
        return {"error": str(error)}


def close(one, other):
    if one is None or other is None:
        return one is None and other is None
    if math.isnan(other) or math.isinf(other):
        return True
    return math.isclose(float(one), other, rel_tol=1e-9, abs_tol=1e-9)


def differences(ours, theirs):
    """The kinds of difference, each with what shows it."""
    if "error" in ours or "error" in theirs:
        if "error" not in theirs:
            yield "refused here alone", ours["error"]
        elif "error" not in ours:
            yield "read here alone", theirs["error"]
        return
    if ours["rows"] != theirs["rows"]:
        yield "rows", f"{ours['rows']} here, {theirs['rows']} there"
    if ours["width"] != theirs["width"]:
        yield "columns", f"{ours['width']} here, {theirs['width']} there"
        return
    if ours["rows"] != theirs["rows"]:
        return
    for (name, missing, total), (other, absent, sum_) in zip(ours["columns"], theirs["columns"]):
        if name != other:
            yield "names", f"{name!r} here, {other!r} there"
        if missing != absent:
            yield "missing cells", f"{name!r}: {missing} here, {absent} there"
        elif not close(total, sum_):
            yield "sums", f"{name!r}: {total} here, {sum_} there"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--lastcall", required=True, help="the program")
    parser.add_argument("--json", type=pathlib.Path, help="a file for all differences")
    wanted = parser.parse_args()
    found = collections.defaultdict(list)
    count = 0
    for path in sorted(wanted.folder.rglob("*")):
        kind = format_of(path) if path.is_file() else None
        if kind is None:
            continue
        count += 1
        ours = read("lastcall", path, kind, wanted.lastcall)
        for reader in READERS[kind]:
            for what, detail in differences(ours, read(reader, path, kind, wanted.lastcall)):
                found[f"{kind}: {what}"].append([str(path), reader, detail])
    print(f"{count} files")
    for what, places in sorted(found.items(), key=lambda item: -len(item[1])):
        files = {path for path, _, _ in places}
        print(f"\n{what}: {len(places)} in {len(files)} files")
        for path, reader, detail in places[:EXAMPLES]:
            print(f"  {path} ({reader}): {detail}")
    if wanted.json:
        wanted.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
    else:
        main()
