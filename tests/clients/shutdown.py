"""The live page during a shutdown, after it, and when the service is back: the job that runs is
handed back, and a service is started again at the same address."""

import os
import signal
import sys

from browser import Browser
from rules import check, fits

PHASE = "document.getElementById('phase')"
TEXT = "document.getElementById('shutdown-work').textContent"


def state(phase):
    return f"document.querySelector('#timeline [data-phase={phase}]')?.dataset.state"


def picture(browser, folder, name):
    browser.picture(os.path.join(folder, f"{name}.png"), whole=True)


def main(base, folder, pid, key):
    with Browser() as browser:
        browser.open(f"{base}/")
        browser.until("document.getElementById('key-dialog').open")
        browser.run(f"document.getElementById('key').value = {key!r}; document.getElementById('key-form').requestSubmit(); 0")
        browser.until(f"{PHASE}.textContent === 'running'")
        assert browser.run("document.getElementById('shutdown').hidden")
        # That a key was needed.
        browser.events.clear()
        os.kill(int(pid), signal.SIGTERM)
        for phase, text in [("lame_duck", "lame duck"), ("draining", "draining"), ("handing_back", "handing back")]:
            browser.until(f"{state(phase)} === 'active'")
            shown = browser.run(f"[{PHASE}.textContent, document.getElementById('connection').hidden]")
            assert shown == [text, True], shown
            if phase != "draining":
                continue
            work = browser.run(TEXT)
            for part in ["AnalysisService 1 in flight", "gone within", "takes no more requests"]:
                assert part in work, work
            # The listener is closed, and the time goes on all the same.
            now = "document.querySelector('#timeline [data-phase=draining] .times').textContent"
            before = browser.run(now)
            browser.until(f"{now} !== {before!r}")
            assert browser.run(state("lame_duck")) == "done"
            check(browser, "the live page in a drain")
            picture(browser, folder, "draining")
            browser.resize(390, 900)
            fits(browser, "the live page in a drain on a phone")
            browser.resize(1280, 900)
        browser.until("document.getElementById('shutdown-title').textContent === 'Stopped'")
        browser.until(f"{PHASE}.textContent === 'stopped'")
        assert browser.run(f"{PHASE}.dataset.tone") == "warn"
        assert browser.run("document.getElementById('connection').hidden")
        work = browser.run(TEXT)
        assert "exit code 75" in work and "1 handed back" in work, work
        for phase, wanted in [("lame_duck", "done"), ("draining", "done"), ("handing_back", "done")]:
            assert browser.run(state(phase)) == wanted, phase
        # What it does not know any more, it does not show as if it did.
        assert browser.run("document.body.classList.contains('stale')")
        picture(browser, folder, "stopped")
        # From here on it asks in vain, until there is a service again.
        browser.until(f"{PHASE}.textContent === 'running'")
        assert browser.run("document.getElementById('shutdown').hidden")
        assert not browser.run("document.body.classList.contains('stale')")
        browser.until("!document.getElementById('previous').hidden")
        browser.until("document.getElementById('jobs').children.length > 0")
        picture(browser, folder, "back")


main(*sys.argv[1:])
