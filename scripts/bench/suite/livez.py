"""How `/livez` answers while every worker is busy with CPU work."""

import contextlib
import math
import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import lastcall
from load import call, measured
from machine import cores
from processes import cpu_seconds, fastapi
from tables import alternate, median, show_figures, show_ratios

WORKERS = 4
ROWS = 400_000

IDLE = "Lastcall, idle"
TAKEN = "Lastcall, idle, the cores taken by another program"
BUSY = "Lastcall, every worker profiles"
BUSY_SQL = "Lastcall, every worker runs SQL"
USUAL_IDLE = "FastAPI, idle"
USUAL_PANDAS = "FastAPI, every thread describes (pandas)"
USUAL_PYTHON = "FastAPI, every thread describes (Python)"

QUERY = (
    "select name, count(*), avg(value), stddev(amount), count(distinct id) "
    "from data group by name order by 2 desc"
)


def write_data(path: Path) -> None:
    """40 MB of mixed columns, the same ones every time."""
    chance = random.Random(11)
    with open(path, "w") as file:
        file.write("id,value,amount,name,day,flag,share,text\n")
        for number in range(ROWS):
            file.write(
                f"{number},{chance.gauss(0, 1e3):.6f},{chance.randrange(10**9)},"
                f"name{chance.randrange(5000)},2024-{number % 12 + 1:02}-{number % 28 + 1:02},"
                f"{'true' if number & 1 else 'false'},{chance.random():.9f},"
                f"some text of some length {chance.getrandbits(64):x}\n"
            )


@contextlib.contextmanager
def beside(action) -> Iterator[None]:
    """Does `action` again and again until the block ends, and hears of its failure."""
    ending, faults = threading.Event(), []

    def loop() -> None:
        try:
            while not ending.is_set():
                action(ending)
        except Exception as fault:  # noqa: BLE001 - told to the thread that measures
            faults.append(fault)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
    if faults:
        raise faults[0]


def keep_busy(base: str, session: str, body: dict):
    """Keeps twice as many jobs unfinished as there are workers."""
    jobs: list[str] = []

    def action(ending: threading.Event) -> None:
        jobs[:] = [id for id in jobs if unfinished(base, id)]
        while len(jobs) < 2 * WORKERS:
            answer = call("POST", f"{base}/v1/sessions/{session}/analyses", body)
            jobs.append(answer["id"])
        ending.wait(0.1)

    return action


def unfinished(base: str, job: str) -> bool:
    answer = call("GET", f"{base}/v1/jobs/{job}")
    if answer["state"] in ("failed", "cancelled"):
        raise RuntimeError(f"a job has failed: {answer}")
    return answer["state"] != "succeeded"


def busy(base: str, process, session: str, seconds: int, body: dict) -> dict:
    with beside(keep_busy(base, session, body)):
        time.sleep(1)
        before, begin = cpu_seconds(process.pid), time.perf_counter()
        figures = measured(f"{base}/livez", seconds, process.pid)
        spent = cpu_seconds(process.pid) - before
        return {**figures, "cores": spent / (time.perf_counter() - begin)}


def idle(base: str, process, seconds: int) -> dict:
    before, begin = cpu_seconds(process.pid), time.perf_counter()
    figures = measured(f"{base}/livez", seconds, process.pid)
    spent = cpu_seconds(process.pid) - before
    return {**figures, "cores": spent / (time.perf_counter() - begin)}


def spin() -> None:
    while True:
        pass


@contextlib.contextmanager
def cores_taken() -> Iterator[None]:
    """As many threads of another program as there are cores, never waiting for anything."""
    spinners = [multiprocessing.Process(target=spin, daemon=True) for _ in range(cores())]
    for spinner in spinners:
        spinner.start()
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.join()


def measure_lastcall(data: Path, seconds: int, how: str) -> dict:
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        with lastcall.service(Path(folder), WORKERS) as (base, process):
            if how == "idle":
                return idle(base, process, seconds)
            if how == "taken":
                with cores_taken():
                    return idle(base, process, seconds)
            session = lastcall.new_session(base)
            url = f"{base}/v1/sessions/{session}/datasets/data"
            call("PUT", url, data.read_bytes(), "text/csv")
            body = {"kind": "sql", "query": QUERY} if how == "sql" else {"dataset": "data"}
            return busy(base, process, session, seconds, body)


def measure_fastapi(data: Path, seconds: int, kind: str | None) -> dict:
    with fastapi({"POOL_THREADS": str(WORKERS)}) as (base, process):
        if kind is None:
            return idle(base, process, seconds)
        session = lastcall.new_session(base)
        return busy(base, process, session, seconds, {"kind": kind, "path": str(data)})


def main(rounds: int, seconds: int) -> None:
    lastcall.build_service()
    with tempfile.TemporaryDirectory(prefix="lastcall-bench-") as folder:
        data = Path(folder) / "data.csv"
        write_data(data)
        figures = alternate(
            {
                IDLE: lambda: measure_lastcall(data, seconds, "idle"),
                USUAL_IDLE: lambda: measure_fastapi(data, seconds, None),
                BUSY: lambda: measure_lastcall(data, seconds, "profile"),
                USUAL_PANDAS: lambda: measure_fastapi(data, seconds, "pandas"),
                BUSY_SQL: lambda: measure_lastcall(data, seconds, "sql"),
                USUAL_PYTHON: lambda: measure_fastapi(data, seconds, "python"),
                TAKEN: lambda: measure_lastcall(data, seconds, "taken"),
            },
            rounds,
        )
    show_figures(
        f"GET /livez, 64 connections, {WORKERS} workers",
        {"per_second": "per s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "cores": "cores used"},
        figures,
    )

    def ratio(one: str, other: str, figure: str = "per_second") -> float:
        below = median(figures[other][figure])
        return median(figures[one][figure]) / below if below else math.inf

    show_ratios(
        [
            ("Lastcall busy / the cores taken by another program", ratio(BUSY, TAKEN), "1"),
            ("Lastcall busy with SQL / the cores taken by another program", ratio(BUSY_SQL, TAKEN), "1"),
            ("Lastcall busy / idle", ratio(BUSY, IDLE), ""),
            ("Lastcall busy with SQL / idle", ratio(BUSY_SQL, IDLE), ""),
            ("FastAPI busy (pandas) / idle", ratio(USUAL_PANDAS, USUAL_IDLE), ""),
            ("FastAPI busy (Python) / idle", ratio(USUAL_PYTHON, USUAL_IDLE), ""),
            ("Lastcall busy / FastAPI busy (pandas)", ratio(BUSY, USUAL_PANDAS), ""),
            ("Lastcall busy / FastAPI busy (Python)", ratio(BUSY, USUAL_PYTHON), ""),
        ]
    )
