"""What people do on the live page: files of every format, a result that is saved, a job that is run
again."""

import gzip
import json
import os
import zipfile

from openpyxl import Workbook
from service import ask, request

ROWS = [{"name": "Ada", "n": 1}, {"name": "Grace", "n": 2}, {"name": "Edsger", "n": 3}]
TABLE = "name,n\nAda,1\nGrace,2\nEdsger,3\n"
# More than JavaScript's numbers hold, and one that it would write in another way.
VALUES = "[9007199254740993,1.0]"


def query(browser, text):
    browser.run(f"document.getElementById('query').value = {json.dumps(text)}; 0")
    browser.run("document.getElementById('query-form').requestSubmit(); 0")


def zstd(text):
    """A frame of zstd with one block, as it is."""
    size = len(text)
    assert size < 256
    return b"\x28\xb5\x2f\xfd\x20" + bytes([size]) + (size << 3 | 1).to_bytes(3, "little") + text


def sheet(file):
    """The table as a spreadsheet of OpenDocument."""
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    rows = [line.split(",") for line in TABLE.splitlines()]
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    row = "<table:table-row>{}</table:table-row>"
    body = "".join(row.format("".join(cell.format(value) for value in values)) for values in rows)
    names = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", f'<office:document-content {names}><office:body><office:spreadsheet>'
                         f'<table:table table:name="T">{body}</table:table>'
                         "</office:spreadsheet></office:body></office:document-content>")


def files(base, folder):
    """The table in every format that the page takes, and packed."""
    text = TABLE.encode()
    lines = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    made = {
        "a.csv": text, "b.txt": text, "c.TSV": text.replace(b",", b"\t"), "d.ndjson": lines,
        "e.jsonl": lines, "f.json": json.dumps(ROWS).encode(),
        "g.csv.gz": gzip.compress(text), "h.json.ZST": zstd(json.dumps(ROWS).encode()),
    }
    session = json.loads(request("POST", f"{base}/v1/sessions"))["id"]
    place = f"{base}/v1/sessions/{session}"
    request("PUT", f"{place}/datasets/t", text, **{"Content-Type": "text/csv"})
    for kind, endings in {"parquet": ["parquet", "pq"], "arrow": ["arrow", "arrows", "feather", "ipc"]}.items():
        job = ask(f"{place}/analyses", {"kind": "sql", "query": "select name, n from t", "format": kind})
        for ending in endings:
            made[f"{ending}.{ending}"] = request("GET", f"{base}{job['links']['result']}")
    for name, content in made.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    sheet(os.path.join(folder, "i.ods"))
    book = Workbook()
    for line in TABLE.splitlines():
        book.active.append(line.split(","))
    book.save(os.path.join(folder, "j.xlsx"))
    return [os.path.join(folder, name) for name in [*made, "i.ods", "j.xlsx"]]


def take_every_format(browser, base, folder):
    browser.open(f"{base}/")
    accepted = browser.run("document.getElementById('file').accept").split(",")
    for file in files(base, folder):
        name = os.path.basename(file)
        assert os.path.splitext(name)[1].lower() in accepted, name
        browser.choose("#file", file)
        title = json.dumps(name.split(".")[0])
        # Whatever is said of it, a profile or what is wrong.
        browser.until(f"document.querySelector('#profile:not([hidden]) h3')?.textContent === {title}"
                      " || document.querySelector('#reading .problem')")
        problem = browser.run("document.querySelector('#reading .problem')?.textContent")
        assert not problem, problem
        said = browser.run("document.getElementById('reading').textContent")
        assert "3 rows × 2 columns" in said, f"{name}: {said}"


def repeat_and_save(browser, base):
    session = browser.run("sessionStorage.getItem('lastcall-session')")
    place = f"{base}/v1/sessions/{session}"
    body = '{"kind": "sql", "query": "select $1 as a, $2 as b", "parameters": %s}' % VALUES
    headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
    job = json.loads(request("POST", f"{place}/analyses", body.encode(), **headers))
    open_job(browser, job["id"])
    browser.run("const make = URL.createObjectURL;"
                "URL.createObjectURL = (blob) => { window.saved = blob; return make.call(URL, blob); }; 0")
    browser.run("document.getElementById('job-result').click(); 0")
    browser.until("window.saved")
    result = request("GET", f"{base}{job['links']['result']}").decode()
    assert browser.run("saved.text()") == result and "9007199254740993" in result, result

    browser.run("document.getElementById('job-again').click(); 0")
    shown = "JSON.parse(document.getElementById('job-text').textContent)"
    browser.until(f"{shown}.id !== {json.dumps(job['id'])}")
    again = request("GET", f"{base}/v1/jobs/{browser.run(shown + '.id')}").decode()
    assert f'"parameters":{VALUES}' in again.replace(" ", ""), again
    browser.run("document.getElementById('job-close').click(); 0")

    # A report is repeated with its chart and its priority.
    chart = {"type": "bar", "x": "a", "y": ["b"]}
    asked = {"analysis": job["id"], "format": "md", "chart": chart, "priority": "low"}
    report = ask(f"{place}/reports", asked)
    open_job(browser, report["id"])
    browser.run("document.getElementById('job-again').click(); 0")
    browser.until(f"{shown}.id !== {json.dumps(report['id'])}")
    again = json.loads(request("GET", f"{base}/v1/jobs/{browser.run(shown + '.id')}"))
    assert (again["chart"]["type"], again["priority"]) == ("bar", "low"), again
    browser.run("document.getElementById('job-close').click(); 0")

    query(browser, "select 9007199254740993 as n")
    browser.until("document.querySelector('#answer td')?.textContent === '9007199254740993'")

    # A contract that is too long to be shown cannot be sent again.
    contract = {"fields": [{"name": "n", "description": "x" * 20_000}]}
    check = ask(f"{place}/analyses", {"kind": "check", "dataset": "a", "contract": contract})
    assert check["state"] == "succeeded", check
    open_job(browser, check["id"])
    assert browser.run("document.getElementById('job-again').hidden")
    browser.run("document.getElementById('job-close').click(); 0")
    # Neither can a template.
    asked = {"dataset": "a", "format": "pdf", "template": {"title": "Ours"}}
    report = ask(f"{place}/reports", asked)
    assert report["state"] == "succeeded", report
    open_job(browser, report["id"])
    assert browser.run("document.getElementById('job-again').hidden")
    assert not browser.complaints(), browser.complaints()


def open_job(browser, job):
    button = f"document.querySelector('[data-job=\"{job}\"]')"
    browser.until(button)
    browser.run(f"{button}.click(); 0")
    browser.until(f"document.getElementById('job-title').textContent.endsWith('{job}')")
