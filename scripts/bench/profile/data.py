"""CSV of every kind: mixed columns, many columns, long cells, many different texts.

`data.py KIND PATH NUMBERS` calls one of the functions below.
"""

import sys

import numpy as np

PIECE = 200_000
COLUMNS = [
    "id", "token", "city", "country", "quantity", "price", "discount", "latitude", "longitude",
    "score", "active", "day", "at", "tag", "user", "code", "note",
]
# So that ids have the same width throughout, and their first two digits can be exchanged.
FIRST_ID = 10**9
MOST_ROWS = 10**8


def text(values):
    return np.char.mod("%s", values)


def piece(random, first, rows):
    """Columns of text: keys, names, amounts with missing cells, times, quoted text."""
    seconds = random.integers(0, 10**8, rows)
    discount = np.round(random.random(rows), 4).astype(str)
    discount[random.random(rows) < 0.1] = ""
    yield text(np.arange(FIRST_ID + first, FIRST_ID + first + rows))
    yield np.char.mod("%016x", random.integers(0, 2**62, rows))
    yield np.char.mod("city %d", random.integers(0, 200, rows))
    yield random.choice(["DE", "FR", "US", "KR", "JP"], rows)
    yield text(random.integers(0, 100, rows))
    yield np.char.mod("%.2f", random.gamma(2, 50, rows))
    yield discount
    yield np.char.mod("%.6f", random.normal(50, 5, rows))
    yield np.char.mod("%.6f", random.normal(10, 5, rows))
    yield text(random.normal(size=rows))
    yield random.choice(["true", "false"], rows)
    yield text(np.datetime64("2020-01-01") + random.integers(0, 1500, rows))
    yield np.char.add(text(np.datetime64("2020-01-01T00:00:00") + seconds), "Z")
    yield np.char.mod("tag-%d", random.zipf(1.5, rows) % 3000)
    yield np.char.mod("user%d@example.org", random.integers(0, 200_000, rows))
    yield text(random.integers(10_000, 99_999, rows))
    yield random.choice(["", "ok", '"needs, review"', '"so ""called"""'], rows)


def mixed(path, rows):
    """About 175 bytes a row."""
    random = np.random.default_rng(7)
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for first in range(0, rows, PIECE):
            columns = piece(random, first, min(PIECE, rows - first))
            file.writelines(",".join(row) + "\n" for row in zip(*columns))


def large(path, mixed_path, size):
    """The rows again and again up to this size, each time with other ids and tokens."""
    with open(mixed_path, "rb") as file:
        header, _, rows = file.read().partition(b"\n")
    rows = np.frombuffer(rows, dtype=np.uint8).copy()
    starts = np.concatenate([[0], np.flatnonzero(rows == ord("\n"))[:-1] + 1])
    token = starts + len(str(FIRST_ID)) + 1
    with open(path, "wb") as file:
        file.write(header + b"\n")
        for turn in range(10, 100):
            if file.tell() >= size:
                return
            for offset, digit in enumerate(str(turn).encode()):
                rows[starts + offset] = digit
                rows[token + offset] = digit
            file.write(rows)
    raise SystemExit("more rows are needed for a file of this size")


def wide(path, columns, rows):
    """Many columns, numbers and words in turns."""
    random = np.random.default_rng(8)
    words = random.choice([f"word {n}" for n in range(1000)], (rows, columns // 2))
    numbers = np.char.mod("%.4f", random.normal(size=(rows, columns - columns // 2)))
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(f"c{n}" for n in range(columns)) + "\n")
        for a, b in zip(numbers, words):
            file.write(",".join(a) + "," + ",".join(b) + "\n")


def long_cells(path, cells, length):
    """Every cell of the second column has a mebibyte, or whatever the length is."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("id,document\n")
        for row in range(cells):
            file.write(f'{row},"{f"line {row}, of a document " * (length // 25)}"\n')


def texts(path, rows):
    """As many different texts as rows."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("key,value\n")
        for first in range(0, rows, PIECE):
            numbers = np.arange(first, min(rows, first + PIECE), dtype=np.uint64)
            keys = numbers * np.uint64(0x9E3779B97F4A7C15)
            file.writelines(f"key-{key:016x},{key % 1000}\n" for key in keys.tolist())


if __name__ == "__main__":
    kind, path, *arguments = sys.argv[1:]
    makers = {maker.__name__: maker for maker in (mixed, large, wide, long_cells, texts)}
    makers[kind](path, *(int(a) if a.isdigit() else a for a in arguments))
