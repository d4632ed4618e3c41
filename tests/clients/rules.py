"""What every page has to keep to."""

import json
import os

import axe_core_python

with open(os.path.join(os.path.dirname(axe_core_python.__file__), "axe.min.js"), encoding="utf-8") as script:
    AXE = script.read()


def check(browser, name):
    fits(browser, name)
    # The tool is run by the debugger, which the page's policy does not bind.
    browser.run(AXE + "; 0")
    found = browser.run(
        "axe.run({resultTypes: ['violations']}).then((found) => found.violations.map("
        "(one) => [one.id, one.nodes.length, one.nodes[0].html, one.nodes[0].failureSummary]))"
    )
    assert not found, f"{name}: {json.dumps(found, indent=1)}"
    assert not browser.complaints(), f"{name}: {browser.complaints()}"


def fits(browser, name):
    wide = browser.run("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{name} is {wide} pixels too wide"
    assert not browser.complaints(), f"{name}: {browser.complaints()}"
