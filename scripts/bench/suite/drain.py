"""How long the way down takes beyond the work in hand, and how soon a dead replica's job runs
again."""

import signal
import sqlite3
import tempfile
import time
from pathlib import Path

import lastcall
from livez import write_data
from load import call
from postgres import postgres
from processes import fastapi
from tables import alternate, median, number, show

WORKERS = 4
SPINS = "select count(*) from data a, data b, data c where a.value + b.value < c.value"

IDLE = "Lastcall: SIGTERM to exit, idle"
USUAL_IDLE = "FastAPI: SIGTERM to exit, idle"
LAST_JOB = f"Lastcall: end of the last of {WORKERS} running jobs to exit"
RESCUE = "Lastcall: kill -9 of a replica until its job runs on the other"


def exit_after(process) -> float:
    """Seconds from SIGTERM to the exit, which has to be a clean one."""
    begin = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    code = process.wait(60)
    took = time.perf_counter() - begin
    if code != 0:
        raise RuntimeError(f"it ended with {code}")
    return took


def idle_exit() -> dict:
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        with lastcall.service(Path(folder), WORKERS) as (_, process):
            return {"ms": exit_after(process) * 1e3}


def fastapi_exit() -> dict:
    with fastapi() as (_, process):
        process.send_signal(signal.SIGTERM)
        begin = time.perf_counter()
        process.wait(60)
        return {"ms": (time.perf_counter() - begin) * 1e3}


def upload(base: str, session: str, data: Path) -> None:
    url = f"{base}/v1/sessions/{session}/datasets/data"
    call("PUT", url, data.read_bytes(), "text/csv")


def submit(base: str, session: str, body: dict) -> str:
    return call("POST", f"{base}/v1/sessions/{session}/analyses", body)["id"]


def await_running(base: str, job: str, attempt: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        seen = call("GET", f"{base}/v1/jobs/{job}")
        if seen["state"] == "running" and seen["attempt"] >= attempt:
            return
        if seen["state"] not in ("queued", "running") or time.monotonic() > deadline:
            raise RuntimeError(f"the job does not run: {seen}")
        time.sleep(0.005)


def busy_exit(data: Path) -> dict:
    """The end of the last job is what its row says."""
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        with lastcall.service(Path(folder), WORKERS) as (base, process):
            session = lastcall.new_session(base)
            upload(base, session, data)
            body = {"dataset": "data", "kind": "profile"}
            jobs = [submit(base, session, body) for _ in range(WORKERS)]
            for job in jobs:
                await_running(base, job, 1)
            exit_after(process)
            ended = time.time()
        with sqlite3.connect(f"{folder}/lastcall.db") as database:
            rows = database.execute("SELECT state, finished_at FROM jobs").fetchall()
        database.close()
    if any(state != 2 for state, _ in rows):
        raise RuntimeError(f"jobs in hand were not finished: {rows}")
    return {"ms": (ended - max(at for _, at in rows) / 1e6) * 1e3}


def rescue(data: Path, url: str) -> dict:
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as name:
        folder = Path(name)
        with lastcall.service(folder, 1, url, "one") as (one, dying):
            session = lastcall.new_session(one)
            upload(one, session, data)
            job = submit(one, session, {"kind": "sql", "query": SPINS})
            await_running(one, job, 1)
            with lastcall.service(folder, 1, url, "two") as (two, _):
                dying.kill()
                begin = time.perf_counter()
                dying.wait()
                await_running(two, job, 2)
                took = time.perf_counter() - begin
                call("DELETE", f"{two}/v1/jobs/{job}")
                return {"ms": took * 1e3}


def main(rounds: int, _seconds: int) -> None:
    lastcall.build_service()
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder, postgres() as database:
        data = Path(folder) / "data.csv"
        write_data(data)
        figures = alternate(
            {
                IDLE: idle_exit,
                USUAL_IDLE: fastapi_exit,
                LAST_JOB: lambda: busy_exit(data),
                RESCUE: lambda: rescue(data, database()),
            },
            rounds,
        )
    aims = {IDLE: "200", LAST_JOB: "100", RESCUE: "6,000: lease 5 s, and 1 s"}
    rows = [
        [name, number(median(seen["ms"])), number(max(seen["ms"])), aims.get(name, "")]
        for name, seen in figures.items()
    ]
    show("The way down, ms", ["", "median", "longest", "at most"], rows)
