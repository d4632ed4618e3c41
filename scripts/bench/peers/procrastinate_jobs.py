"""No-op jobs from their submission to their end through procrastinate on PostgreSQL, which
keeps what was committed (fsync and synchronous_commit are on, as PostgreSQL has them by default).

Usage: procrastinate_jobs.py URL JOBS SUBMITTERS WORKERS. Prints the seconds until the last
submission was on disk and until the last job's row said succeeded, as JSON.
"""

import asyncio
import json
import sys
import time

import procrastinate


def main() -> None:
    url, jobs, submitters, workers = sys.argv[1], *map(int, sys.argv[2:5])
    connector = procrastinate.PsycopgConnector(
        conninfo=url, min_size=16, max_size=16, timeout=60
    )
    app = procrastinate.App(connector=connector)
    done = 0

    @app.task(name="nothing", queue="no-op")
    async def nothing(number: int) -> None:
        nonlocal done
        done += 1

    async def submit(numbers) -> None:
        for number in numbers:
            await nothing.defer_async(number=number)

    async def left() -> int:
        row = await connector.execute_query_one_async(
            "SELECT count(*) AS left FROM procrastinate_jobs WHERE status <> 'succeeded'"
        )
        return row["left"]

    async def measure() -> dict:
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            worker = asyncio.create_task(
                app.run_worker_async(
                    queues=["no-op"],
                    concurrency=workers,
                    install_signal_handlers=False,
                    listen_notify=True,
                )
            )
            begin = time.perf_counter()
            numbers = iter(range(jobs))
            await asyncio.gather(*(submit(numbers) for _ in range(submitters)))
            submitted = time.perf_counter() - begin
            while done < jobs:
                await asyncio.sleep(0.005)
            while await left():
                await asyncio.sleep(0.005)
            ended = time.perf_counter() - begin
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            return {"jobs": jobs, "submit_seconds": submitted, "seconds": ended}

    print(json.dumps(asyncio.run(measure())))


if __name__ == "__main__":
    main()
