"""Durable submissions per second over HTTP, beside the usual service and an empty handler."""

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import lastcall
from load import call, measured
from processes import fastapi
from tables import alternate, median, show_figures, show_ratios

OURS = "Lastcall: 202 after its fsync"
OURS_RUN = "Lastcall: the same, no-op jobs run beside"
OURS_EMPTY = "Lastcall: GET /livez"
USUAL = "FastAPI: 202 from memory"
USUAL_RUN = "FastAPI: the same, no-op jobs run beside"
USUAL_EMPTY = "FastAPI: GET /livez"


def lastcall_submits(seconds: int, work: str) -> dict:
    """Ends with kill -9: what was answered with 202 has to be in the file then."""
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        with lastcall.parts(Path(folder), work) as (base, process):
            url = f"{base}/v1/sessions/{lastcall.new_session(base)}/analyses"
            figures = measured(url, seconds, process.pid, '{"kind":"sql","query":"select 1"}')
        with sqlite3.connect(f"{folder}/lastcall.db") as database:
            (rows,) = database.execute("SELECT count(*) FROM jobs").fetchone()
        database.close()
    if rows < figures["requests"]:
        raise RuntimeError(f"{figures['requests']} were accepted and {rows} are there")
    return figures


def lastcall_empty(seconds: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        with lastcall.parts(Path(folder), "parked") as (base, process):
            return measured(f"{base}/livez", seconds, process.pid)


def fastapi_submits(seconds: int, held: bool) -> dict:
    with fastapi({"POOL_HELD": "1" if held else "0"}) as (base, process):
        session = call("POST", f"{base}/v1/sessions", {})["id"]
        url = f"{base}/v1/sessions/{session}/analyses"
        return measured(url, seconds, process.pid, '{"kind":"noop"}')


def fastapi_empty(seconds: int) -> dict:
    with fastapi() as (base, process):
        return measured(f"{base}/livez", seconds, process.pid)


def main(rounds: int, seconds: int) -> None:
    lastcall.build_parts()
    participants: dict[str, Callable[[], dict]] = {
        OURS: lambda: lastcall_submits(seconds, "parked"),
        USUAL: lambda: fastapi_submits(seconds, held=True),
        OURS_EMPTY: lambda: lastcall_empty(seconds),
        USUAL_EMPTY: lambda: fastapi_empty(seconds),
        OURS_RUN: lambda: lastcall_submits(seconds, "idle"),
        USUAL_RUN: lambda: fastapi_submits(seconds, held=False),
    }
    figures = alternate(participants, rounds)
    show_figures(
        "Submissions over HTTP, 64 connections",
        {"per_second": "per s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "cpu_us": "CPU us each"},
        figures,
    )

    def ratio(one: str, other: str) -> float:
        return median(figures[one]["per_second"]) / median(figures[other]["per_second"])

    show_ratios(
        [
            ("Lastcall / FastAPI", ratio(OURS, USUAL), "10, at least 5"),
            ("Lastcall / its own empty handler", ratio(OURS, OURS_EMPTY), "0.5, at least 0.25"),
            ("Lastcall / FastAPI, jobs run beside", ratio(OURS_RUN, USUAL_RUN), ""),
        ]
    )
