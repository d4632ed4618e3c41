"""Memory over many small mixed jobs: what the service takes under load, and what it keeps."""

import json
import random
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

import lastcall
import tables
from load import call

SPECIES = ["Adelie", "Gentoo", "Chinstrap"]
FORMATS = ["html", "pdf", "xlsx", "md"]
QUERIES = [
    "select species, count(*) as n from birds group by species",
    "select * from birds where mass > 4000 order by mass limit 20",
    "select avg(mass) as mass from birds",
]
# Jobs of one session; then it is deleted and another one opened, as clients do.
SESSION = 40
# Seconds without work at the end, and between two looks at the memory.
REST, LOOK = 30, 2


def memory(pid: int) -> float:
    """Resident memory of a process in MiB; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines()
                 if line.startswith("VmRSS:")), 0)


def children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in lists for child in file.read_text().split()]


def birds(rows: int) -> bytes:
    lines = ["species,mass,bill,seen"]
    for _ in range(rows):
        mass, bill = random.randrange(2500, 6500), random.uniform(30, 60)
        day = random.randrange(1, 28)
        lines.append(f"{random.choice(SPECIES)},{mass},{bill:.2f},2024-03-{day:02}")
    return "\n".join(lines).encode()


def upload(base: str, session: str) -> None:
    url = f"{base}/v1/sessions/{session}/datasets/birds"
    call("PUT", url, birds(random.randrange(50, 2_000)), "text/csv")


def one_job(base: str, session: str) -> str:
    """A job of a random kind and its result; its kind."""
    kind = random.choices(["profile", "sql", "report"], [4, 3, 3])[0]
    if kind == "report":
        body = {"dataset": "birds", "format": random.choice(FORMATS)}
        kind = body["format"]
        path = "reports"
    else:
        body = {"dataset": "birds", "kind": kind}
        if kind == "sql":
            body = {"kind": kind, "query": random.choice(QUERIES)}
        path = "analyses"
    request = urllib.request.Request(
        f"{base}/v1/sessions/{session}/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Prefer": "wait=60"},
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        job = json.load(answer)
    if job["state"] != "succeeded":
        raise RuntimeError(f"{kind}: {job}")
    urllib.request.urlopen(f"{base}/v1/jobs/{job['id']}/result", timeout=60).read()
    return kind


class Clients:
    """Threads that ask for jobs until so many are done."""

    def __init__(self, base: str, jobs: int, clients: int) -> None:
        self.base, self.left = base, jobs
        self.done: Counter = Counter()
        self.failed: list[str] = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def take(self) -> bool:
        with self.lock:
            self.left -= 1
            return self.left >= 0 and not self.failed

    def run(self) -> None:
        session, used = None, SESSION
        try:
            while self.take():
                if used >= SESSION:
                    if session:
                        call("DELETE", f"{self.base}/v1/sessions/{session}")
                    session, used = lastcall.new_session(self.base), 0
                    upload(self.base, session)
                kind = one_job(self.base, session)
                used += 1
                with self.lock:
                    self.done[kind] += 1
        except Exception as error:  # noqa: BLE001: told by the main thread
            with self.lock:
                self.failed.append(repr(error))


def soak(jobs: int, clients: int) -> None:
    with tempfile.TemporaryDirectory() as folder, lastcall.service(Path(folder), 4) as (
        base,
        process,
    ):
        begun = time.monotonic()
        rows = [["0", f"{memory(process.pid):.0f}", "", "0"]]
        work = Clients(base, jobs, clients)
        for thread in work.threads:
            thread.start()
        step, peak = max(jobs // 10, 1), 0.0
        while any(thread.is_alive() for thread in work.threads):
            time.sleep(LOOK)
            resident = memory(process.pid)
            peak = max(peak, resident)
            if sum(work.done.values()) >= step * len(rows):
                rows.append(line(process.pid, sum(work.done.values()), begun))
        for thread in work.threads:
            thread.join()
        if work.failed:
            raise RuntimeError("; ".join(work.failed))
        rows.append(line(process.pid, sum(work.done.values()), begun))
        time.sleep(REST)
        rows.append([f"after {REST} s of rest", *line(process.pid, 0, begun)[1:]])
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(work.done.items()))
        tables.show(
            f"Memory of the service, {clients} clients: {kinds}; peak {peak:.0f} MiB",
            ["jobs", "MiB", "MiB of its processes", "s"],
            rows,
        )


def line(pid: int, jobs: int, begun: float) -> list[str]:
    of_children = sum(memory(child) for child in children(pid))
    elapsed = time.monotonic() - begun
    return [f"{jobs:,}", f"{memory(pid):.0f}", f"{of_children:.0f}", f"{elapsed:.0f}"]


def main(jobs: int, clients: int) -> None:
    lastcall.build_service()
    soak(jobs, clients)
