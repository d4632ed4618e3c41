"""No-op jobs per second, from the first submission until the last job's end is on disk."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lastcall
from load import call, wrk
from postgres import postgres
from processes import PEERS, VENV, fastapi
from tables import alternate, median, show_figures, show_ratios

SUBMITTERS = 64
WORKERS = 4

OURS = "Lastcall (SQLite)"
OURS_HTTP = "Lastcall through HTTP (SQLite)"
APALIS = "apalis-sqlite, batches of 10 (its default)"
APALIS_BATCHED = "apalis-sqlite, batches of 100"
PROCRASTINATE = "procrastinate (PostgreSQL)"
USUAL = "FastAPI through HTTP (memory, not durable)"


def in_process(*command: object) -> dict:
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        return rates(lastcall.once(*command, folder))


def rates(seen: dict) -> dict:
    return {
        "per_second": seen["jobs"] / seen["seconds"],
        "submits": seen["jobs"] / seen["submit_seconds"],
    }


def over_http(base: str, body: str, seconds: int, ended: Callable[[str], int]) -> dict:
    """64 connections submit for a while; the clock runs until all that was accepted has ended."""
    session = lastcall.new_session(base)
    begin = time.perf_counter()
    accepted = wrk(f"{base}/v1/sessions/{session}/analyses", seconds, body)["requests"]
    submitted = time.perf_counter() - begin
    # wrk does not count answers that come after its end, so there may be a few more.
    while ended(base) < accepted:
        if time.perf_counter() - begin > 300:
            raise TimeoutError(f"{ended(base)} of {accepted} jobs have ended")
        time.sleep(0.005)
    took = time.perf_counter() - begin
    return {"per_second": accepted / took, "submits": accepted / submitted}


def lastcall_http(seconds: int) -> dict:
    def succeeded(base: str) -> int:
        services = call("GET", f"{base}/v1/system")["services"]
        return next(s for s in services if s["name"] == "AnalysisService")["counts"]["succeeded"]

    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        with lastcall.parts(Path(folder), "idle", WORKERS) as (base, _):
            body = '{"kind":"sql","query":"select 1"}'
            return over_http(base, body, seconds, succeeded)


def fastapi_http(seconds: int) -> dict:
    with fastapi({"POOL_THREADS": str(WORKERS)}) as (base, _):
        return over_http(
            base,
            '{"kind":"noop"}',
            seconds,
            lambda base: call("GET", f"{base}/v1/counts")["succeeded"],
        )


def procrastinate(url: str, jobs: int) -> dict:
    script = PEERS / "procrastinate_jobs.py"
    return rates(lastcall.once(VENV / "python", script, url, jobs, SUBMITTERS, WORKERS))


def main(rounds: int, seconds: int) -> None:
    lastcall.build_parts()
    lastcall.build_apalis()
    with postgres() as new_database:
        participants: dict[str, Callable[[], dict]] = {
            OURS: lambda: in_process(lastcall.PARTS, "jobs", 50_000, SUBMITTERS, WORKERS),
            APALIS: lambda: in_process(lastcall.APALIS, 10_000, SUBMITTERS, WORKERS, 10, 4),
            APALIS_BATCHED: lambda: in_process(
                lastcall.APALIS, 10_000, SUBMITTERS, WORKERS, 100, 4
            ),
            PROCRASTINATE: lambda: procrastinate(new_database(), 2_000),
            OURS_HTTP: lambda: lastcall_http(seconds),
            USUAL: lambda: fastapi_http(seconds),
        }
        figures = alternate(participants, rounds)
    show_figures(
        f"No-op jobs end to end, {SUBMITTERS} submitters, {WORKERS} workers",
        {"per_second": "jobs per s", "submits": "submits per s"},
        figures,
    )

    def rate(name: str) -> float:
        return median(figures[name]["per_second"])

    apalis = max(rate(APALIS), rate(APALIS_BATCHED))
    show_ratios(
        [
            ("Lastcall / apalis-sqlite at its better setting", rate(OURS) / apalis, "4"),
            ("Lastcall / procrastinate", rate(OURS) / rate(PROCRASTINATE), "4"),
            ("Lastcall through HTTP / FastAPI", rate(OURS_HTTP) / rate(USUAL), ""),
        ]
    )
