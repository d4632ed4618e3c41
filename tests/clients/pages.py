"""Every page and every report in a real browser: without complaints, within the width of a phone,
and by the rules of axe."""

import json
import os
import sys
import urllib.request

import axe_core_python
from browser import Browser

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "parcels.csv")
with open(os.path.join(os.path.dirname(axe_core_python.__file__), "axe.min.js"), encoding="utf-8") as script:
    AXE = script.read()


def request(method, address, body=None, **headers):
    asked = urllib.request.Request(address, data=body, method=method, headers=headers)
    with urllib.request.urlopen(asked) as answer:
        return answer.read()


def reports(base, folder):
    """Files with an HTML report of each kind."""
    session = json.loads(request("POST", f"{base}/v1/sessions"))["id"]
    place = f"{base}/v1/sessions/{session}"
    with open(DATA, "rb") as data:
        request("PUT", f"{place}/datasets/parcels", data.read(), **{"Content-Type": "text/csv"})
    analyses = [
        {"kind": "profile", "dataset": "parcels"},
        {"kind": "correlation", "dataset": "parcels"},
        {"kind": "compare", "baseline": "parcels", "candidate": "parcels"},
        {"kind": "sql", "query": "select * from parcels limit 30"},
    ]
    headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
    for analysis in analyses:
        job = json.loads(request("POST", f"{place}/analyses", json.dumps(analysis).encode(), **headers))
        wanted = json.dumps({"analysis": job["id"], "format": "html"}).encode()
        report = json.loads(request("POST", f"{place}/reports", wanted, **headers))
        yield analysis["kind"], f"{base}{report['links']['result']}"


def check(browser, name):
    # The tool is run by the debugger, which the page's policy does not bind.
    browser.run(AXE + "; 0")
    found = browser.run(
        "axe.run({resultTypes: ['violations']}).then((found) => found.violations.map("
        "(one) => [one.id, one.nodes.length, one.nodes[0].html, one.nodes[0].failureSummary]))"
    )
    assert not found, f"{name}: {json.dumps(found, indent=1)}"
    wide = browser.run("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{name} is {wide} pixels too wide"
    assert not browser.complaints(), f"{name}: {browser.complaints()}"


def use(browser, base):
    """Drops a file on the live page, waits for its profile, asks a question about it."""
    browser.open(f"{base}/")
    browser.until("document.getElementById('phase').textContent === 'running'")
    browser.choose("#file", DATA)
    browser.until("!document.getElementById('profile').hidden")
    browser.run("document.getElementById('query').value = 'select wieght_kg from parcels'; 0")
    browser.run("document.getElementById('query-form').requestSubmit(); 0")
    browser.until("!document.getElementById('query-problem').hidden")
    browser.run("document.getElementById('query').value = 'select city, count(*) from parcels group by 1'; 0")
    browser.run("document.getElementById('query-form').requestSubmit(); 0")
    browser.until("!document.getElementById('answer').hidden")
    rows = browser.run("document.querySelectorAll('#answer tbody tr').length")
    assert rows == 5, rows


def find(browser):
    """The search of a report leaves the columns that it names."""
    shown = "[...document.querySelectorAll('details.card')].filter((card) => !card.hidden).length"
    assert browser.run(shown) == 7
    browser.run("const box = document.getElementById('find-text'); box.value = 'weight';"
                "box.dispatchEvent(new Event('input')); 0")
    assert browser.run(shown) == 1


def main(base, folder):
    made = list(reports(base, folder))
    for width, dark in [(1280, False), (1280, True), (390, False)]:
        with Browser(width, 900, dark) as browser:
            name = f"{width} px{', dark' if dark else ''}"
            use(browser, base)
            check(browser, f"the live page at {name}")
            browser.open(f"{base}/docs/errors")
            check(browser, f"the errors at {name}")
            for kind, address in made:
                browser.open(address)
                if kind == "profile":
                    find(browser)
                check(browser, f"the report of a {kind} at {name}")


main(sys.argv[1], sys.argv[2])
