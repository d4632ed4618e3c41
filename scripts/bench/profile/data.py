"""CSV with columns of every kind: keys, names, amounts with missing cells, times, quoted text."""

import numpy as np

PIECE = 200_000
COLUMNS = [
    "id", "token", "city", "country", "quantity", "price", "discount", "latitude", "longitude",
    "score", "active", "day", "at", "tag", "user", "code", "note",
]


def text(values):
    return np.char.mod("%s", values)


def piece(random, first, rows):
    """Columns of text."""
    seconds = random.integers(0, 10**8, rows)
    discount = np.round(random.random(rows), 4).astype(str)
    discount[random.random(rows) < 0.1] = ""
    yield text(np.arange(first, first + rows))
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


def write(path, rows):
    random = np.random.default_rng(7)
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for first in range(0, rows, PIECE):
            columns = piece(random, first, min(PIECE, rows - first))
            file.writelines(",".join(row) + "\n" for row in zip(*columns))


def repeat(path, size):
    """The rows again and again until the file has this size."""
    body = path.read_bytes()
    header, _, rows = body.partition(b"\n")
    large = path.with_name("large.csv")
    with open(large, "wb") as file:
        file.write(header + b"\n")
        while file.tell() < size:
            file.write(rows)
    return large
