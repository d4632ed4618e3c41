"""Files of a few hundred bytes or kilobytes that stand for gigabytes, if they are let.

    files.py --list         what there is, as JSON: name, ending, code of the error that may come
    files.py NAME PATH      makes one
"""

import gzip
import json
import sys
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq

MANY = 100_000


def wide_csv(path):
    """A header of 2,000 names over short rows."""
    with open(path, "w") as out:
        out.write(",".join(f"c{i}" for i in range(2000)) + "\n")
        out.write("1\n" * MANY)


def wide_ndjson(path):
    """1,000 keys, then none."""
    with open(path, "w") as out:
        out.write(json.dumps({f"key{i}": i for i in range(1000)}) + "\n")
        out.write("{}\n" * MANY)


def new_keys(path):
    """A new key on each line."""
    with open(path, "w") as out:
        out.writelines(f'{{"k{i}":1}}\n' for i in range(16_000))


def one_name(path):
    """16,384 columns of one name."""
    with open(path, "w") as out:
        out.write(",".join(["a"] * 16_384) + "\n" + ",".join(["1"] * 16_384) + "\n")


def one_long_name(path):
    """The same with a name of 1 KB, compressed."""
    with gzip.open(path, "wt") as out:
        out.write(",".join(["n" * 1000] * 16_384) + "\n")


def one_cell_gz(path):
    """A cell of 1 GB, compressed."""
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(b"a\n")
        for _ in range(1024):
            out.write(b"x" * (1 << 20))


def blank_lines_gz(path):
    """100 MB of rows without anything in them, compressed."""
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(b"a,b\n")
        for _ in range(50):
            out.write(b",\n" * (1 << 20))


def _parquet(path, table, **options):
    pq.write_table(table, path, **options)


def dictionary(path):
    """One text of 100 KB in every row."""
    texts = pa.DictionaryArray.from_arrays(
        pa.array([0] * 300_000, pa.int32()), pa.array(["x" * 100_000])
    )
    _parquet(path, pa.table({"text": texts}), compression="zstd", row_group_size=300_000)


def dictionary_of_many(path):
    """200 texts of 100 KB by turns."""
    texts = [f"{i:06}" + "x" * 100_000 for i in range(200)]
    turns = pa.DictionaryArray.from_arrays(
        pa.array([i % 200 for i in range(100_000)], pa.int32()), pa.array(texts)
    )
    _parquet(
        path,
        pa.table({"text": turns}),
        compression="zstd",
        dictionary_pagesize_limit=64 << 20,
    )


def dictionary_of_bytes(path):
    """Values of a fixed length of 100 KB in a dictionary."""
    kind = pa.binary(100_000)
    values = pa.array([b"x" * 100_000], kind).take(pa.array([0] * 2_000))
    _parquet(path, pa.table({"bytes": values}), compression="zstd")


def prefixes(path):
    """Texts that begin as those before them."""
    start = "x" * 100_000
    table = pa.table({"text": [f"{start}{i}" for i in range(5_000)]})
    _parquet(
        path,
        table,
        compression="zstd",
        use_dictionary=False,
        column_encoding={"text": "DELTA_BYTE_ARRAY"},
        data_page_size=1 << 30,
    )


def long_map(path):
    """A map with a text of 300 MB."""
    kind = pa.map_(pa.string(), pa.string())
    table = pa.table({"map": pa.array([[("a", "x" * (300 << 20))]], kind)})
    _parquet(path, table, compression="brotli")


def maps_of_a_dictionary(path):
    """A text of 100 KB in the maps of all rows."""
    kind = pa.map_(pa.string(), pa.string())
    table = pa.table({"map": pa.array([[("a", "x" * 100_000)]] * 20_000, kind)})
    _parquet(path, table, compression="brotli")


def long_cell(path):
    """A text of 400 MB."""
    table = pa.table({"text": ["x" * (400 << 20)]})
    _parquet(path, table, compression="zstd", use_dictionary=False)


def long_list(path):
    """A list of 50 million numbers."""
    flat = pa.chunked_array([pa.array([7] * 1_000_000, pa.int8())] * 50).combine_chunks()
    lists = pa.ListArray.from_arrays(pa.array([0, len(flat)], pa.int32()), flat)
    _parquet(path, pa.table({"list": lists}), compression="zstd")


def lists(path):
    """1,000 lists of 50,000 numbers."""
    flat = pa.chunked_array([pa.array([7] * 1_000_000, pa.int8())] * 50).combine_chunks()
    ends = pa.array(range(0, len(flat) + 1, 50_000), pa.int32())
    _parquet(path, pa.table({"list": pa.ListArray.from_arrays(ends, flat)}), compression="zstd")


def gzip_pages(path):
    """A page of 300 MB of zeros, by gzip."""
    flat = pa.chunked_array([pa.array([0] * 1_000_000, pa.int64())] * 40).combine_chunks()
    _parquet(
        path,
        pa.table({"n": flat}),
        compression="gzip",
        use_dictionary=False,
        data_page_size=1 << 30,
        row_group_size=1 << 30,
    )


def wide_parquet(path):
    """5,000 columns of 2,000 rows."""
    column = pa.array(range(2_000))
    _parquet(path, pa.table({f"c{i}": column for i in range(5_000)}), compression="zstd")


SHEET = "xl/worksheets/sheet1.xml"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "_rels/.rels": '<Relationships><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>',
}


def _workbook(path, sheet, parts=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in {**PARTS, **(parts or {})}.items():
            book.writestr(name, text)
        with book.open(SHEET, "w", force_zip64=True) as out:
            out.write(b"<worksheet><sheetData>")
            for piece in sheet:
                out.write(piece)
            out.write(b"</sheetData></worksheet>")


def inline_string(path):
    """A cell of 400 MB."""

    def sheet():
        yield b'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
        yield b'<row r="2"><c r="A2" t="inlineStr"><is><t>'
        for _ in range(400):
            yield b"x" * (1 << 20)
        yield b"</t></is></c></row>"

    _workbook(path, sheet())


def rich_string(path):
    """A cell of 400 MB in many runs."""

    def sheet():
        yield b'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
        yield b'<row r="2"><c r="A2" t="inlineStr"><is>'
        for _ in range(400 * 64):
            yield b"<r><t>" + b"x" * (16 << 10) + b"</t></r>"
        yield b"</is></c></row>"

    _workbook(path, sheet())


def shared_strings(path):
    """Ten million empty texts that no cell has."""
    _workbook(
        path,
        [b'<row r="1"><c r="A1"><v>1</v></c></row>'],
        {"xl/sharedStrings.xml": "<sst>" + "<si/>" * 10_000_000 + "</sst>"},
    )


def sheet_of_blanks(path):
    """A million rows of a thousand columns, one cell each."""

    def sheet():
        header = "".join(f'<c r="{_name(i)}1"><v>{i}</v></c>' for i in range(1000))
        yield f'<row r="1">{header}</row>'.encode()
        for row in range(2, 200_002):
            yield f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>'.encode()

    _workbook(path, sheet())


def _name(column):
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(65 + letter) + name
    return name


# Each file with its ending, and the code of the error that it may end in instead of a profile.
FILES = [
    (wide_csv, "csv", "malformed_data"),
    (wide_ndjson, "ndjson", None),
    (new_keys, "ndjson", None),
    (one_name, "csv", None),
    (one_long_name, "csv.gz", None),
    (one_cell_gz, "csv.gz", "record_too_large"),
    (blank_lines_gz, "csv.gz", None),
    (dictionary, "parquet", None),
    (dictionary_of_many, "parquet", None),
    (dictionary_of_bytes, "parquet", None),
    (prefixes, "parquet", "resource_exhausted"),
    (long_map, "parquet", "record_too_large"),
    (maps_of_a_dictionary, "parquet", None),
    (long_cell, "parquet", "record_too_large"),
    (long_list, "parquet", "record_too_large"),
    (lists, "parquet", None),
    (gzip_pages, "parquet", "resource_exhausted"),
    (wide_parquet, "parquet", None),
    (inline_string, "xlsx", "record_too_large"),
    (rich_string, "xlsx", "record_too_large"),
    (shared_strings, "xlsx", "resource_exhausted"),
    (sheet_of_blanks, "xlsx", None),
]


if sys.argv[1] == "--list":
    print(json.dumps([[make.__name__, ending, code] for make, ending, code in FILES]))
else:
    globals()[sys.argv[1]](sys.argv[2])
