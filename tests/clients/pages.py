"""Every page and every report in a real browser: without complaints, within the width of a phone,
and by the rules of axe."""

import json
import os
import sys

from browser import Browser
from rules import check, fits
from service import ask, request
from workbench import query, repeat_and_save, take_every_format

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "parcels.csv")


def reports(base):
    """The addresses of an HTML report of each kind."""
    session = json.loads(request("POST", f"{base}/v1/sessions"))["id"]
    place = f"{base}/v1/sessions/{session}"
    with open(DATA, "rb") as data:
        request("PUT", f"{place}/datasets/parcels", data.read(), **{"Content-Type": "text/csv"})
    analyses = [
        {"kind": "profile", "dataset": "parcels"},
        {"kind": "correlation", "dataset": "parcels"},
        {"kind": "compare", "baseline": "parcels", "candidate": "parcels"},
        {"kind": "sql", "query": "select * from parcels limit 30"},
        # Some of them do not hold.
        {"kind": "check", "dataset": "parcels", "contract": {"fields": [
            {"name": "city", "type": "string", "constraints": {"enum": ["Bern"]}},
            {"name": "weight_kg", "type": "number", "constraints": {"minimum": 0}},
        ]}},
    ]
    for analysis in analyses:
        job = ask(f"{place}/analyses", analysis)
        report = ask(f"{place}/reports", {"analysis": job["id"], "format": "html"})
        yield analysis["kind"], f"{base}{report['links']['result']}"
        if analysis["kind"] != "sql":
            continue
        for kind in ["bar", "line", "scatter"]:
            chart = {"type": kind, "x": "weight_kg", "y": ["weight_kg"], "title": "Weights"}
            wanted = {"analysis": job["id"], "format": "html", "chart": chart}
            report = ask(f"{place}/reports", wanted)
            yield f"{kind} chart", f"{base}{report['links']['result']}"


def use(browser, base):
    """Drops a file on the live page, waits for its profile, asks a question about it."""
    browser.open(f"{base}/")
    browser.until("document.getElementById('phase').textContent === 'running'")
    browser.choose("#file", DATA)
    browser.until("!document.getElementById('profile').hidden")
    query(browser, "select wieght_kg from parcels")
    browser.until("!document.getElementById('query-problem').hidden")
    query(browser, "select city, count(*) from parcels group by 1")
    browser.until("!document.getElementById('answer').hidden")
    rows = browser.run("document.querySelectorAll('#answer tbody tr').length")
    assert rows == 5, rows
    # The report of the answer, with a chart.
    browser.run("const [type, y] = document.querySelectorAll('#answer select'); type.value = 'bar';"
                "[...document.querySelectorAll('#answer button')].find((one) => one.textContent === 'HTML').click(); 0")
    browser.until("document.querySelector('#answer [role=status]:last-child').textContent.endsWith('is saved.')")
    sent = json.loads(request("GET", f"{base}/v1/jobs?service=report&order=desc&limit=1"))["items"][0]
    assert sent["chart"]["x"] == "city", sent


def read(browser, base, name):
    """The page of the API shows every operation of the document."""
    browser.open(f"{base}/docs")
    document = json.loads(request("GET", f"{base}/openapi.json"))
    methods = {"get", "put", "post", "patch", "delete", "head", "options"}
    operations = sum(len(methods & path.keys()) for path in document["paths"].values())
    browser.until(f"document.querySelectorAll('.opblock').length === {operations}")
    # What Swagger UI does about the rules of axe is not in our hands.
    fits(browser, f"the API at {name}")


def find(browser):
    """The search of a report leaves the columns that it names."""
    shown = "[...document.querySelectorAll('details.card')].filter((card) => !card.hidden).length"
    assert browser.run(shown) == 7
    browser.run("const box = document.getElementById('find-text'); box.value = 'weight';"
                "box.dispatchEvent(new Event('input')); 0")
    assert browser.run(shown) == 1


def main(base, folder):
    made = list(reports(base))
    for width, dark in [(1280, False), (1280, True), (390, False)]:
        with Browser(width, 900, dark) as browser:
            name = f"{width} px{', dark' if dark else ''}"
            use(browser, base)
            check(browser, f"the live page at {name}")
            read(browser, base, name)
            browser.open(f"{base}/docs/errors")
            check(browser, f"the errors at {name}")
            for kind, address in made:
                browser.open(address)
                if kind == "profile":
                    find(browser)
                check(browser, f"the report of a {kind} at {name}")
    with Browser() as browser:
        take_every_format(browser, base, folder)
        repeat_and_save(browser, base)


main(sys.argv[1], sys.argv[2])
