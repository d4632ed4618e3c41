"""The usual service: FastAPI, jobs in a dictionary, a thread pool in the same process.

Nothing here is durable; a kill loses every job. It is written as its users write it, with the
choices that make it fast: async handlers, uvloop, httptools, no access log.

Environment: POOL_THREADS (4), POOL_HELD (1: the pool's threads wait until the process ends, so
that submissions only queue).
"""

import csv
import os
import statistics
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal

import pandas
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

THREADS = int(os.environ.get("POOL_THREADS", "4"))
HELD = os.environ.get("POOL_HELD") == "1"

executor = ThreadPoolExecutor(THREADS)
ending = threading.Event()
jobs: dict[str, dict] = {}
sessions: dict[str, dict] = {}
succeeded = 0


@asynccontextmanager
async def lifespan(_app):
    if HELD:
        for _ in range(THREADS):
            executor.submit(ending.wait)
    yield
    ending.set()
    executor.shutdown(cancel_futures=True)


app = FastAPI(lifespan=lifespan)


class NewAnalysis(BaseModel):
    kind: Literal["noop", "python", "pandas"]
    path: str | None = None


def now() -> str:
    return datetime.now(UTC).isoformat()


def profile_in_python(path: str) -> dict:
    """What people write first: the csv and statistics modules."""
    columns: dict[str, list[float]] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            for name, cell in row.items():
                try:
                    columns.setdefault(name, []).append(float(cell))
                except ValueError:
                    pass
    return {
        name: {"mean": statistics.fmean(cells), "deviation": statistics.pstdev(cells)}
        for name, cells in columns.items()
        if cells
    }


def profile_in_pandas(path: str) -> dict:
    return pandas.read_csv(path).describe(include="all").to_dict()


def run(job: dict, path: str | None) -> None:
    global succeeded
    job["state"], job["started_at"] = "running", now()
    if job["kind"] == "python":
        job["result"] = profile_in_python(path)
    elif job["kind"] == "pandas":
        job["result"] = profile_in_pandas(path)
    job["state"], job["finished_at"] = "succeeded", now()
    succeeded += 1


@app.get("/livez")
async def livez():
    return {"status": "live"}


@app.get("/v1/counts")
async def counts():
    return {"accepted": len(jobs), "succeeded": succeeded}


@app.post("/v1/sessions", status_code=201)
async def create_session():
    session = {"id": str(uuid.uuid4()), "created_at": now()}
    sessions[session["id"]] = session
    return session


@app.post("/v1/sessions/{sid}/analyses", status_code=202)
async def create_analysis(sid: str, new: NewAnalysis):
    if sid not in sessions:
        raise HTTPException(404, "no such session")
    job = {
        "id": str(uuid.uuid4()),
        "session": sid,
        "kind": new.kind,
        "state": "queued",
        "created_at": now(),
        "started_at": None,
        "finished_at": None,
    }
    jobs[job["id"]] = job
    executor.submit(run, job, new.path)
    return job


@app.get("/v1/jobs/{id}")
async def get_job(id: str):
    if id not in jobs:
        raise HTTPException(404, "no such job")
    return {key: value for key, value in jobs[id].items() if key != "result"}
