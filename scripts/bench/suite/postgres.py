"""A PostgreSQL of its own, durable as by default, on a free port of 127.0.0.1."""

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from processes import free_port


def program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name


def as_server(*command: object) -> None:
    """PostgreSQL refuses to run as root, and then runs as its own user."""
    user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, cwd="/", **user
    )


@contextlib.contextmanager
def postgres() -> Iterator[Callable[[], str]]:
    """Gives a way to make a fresh database and know its URL."""
    folder = Path(tempfile.mkdtemp(prefix="lastcall-bench-pg-"))
    if os.getuid() == 0:
        entry = pwd.getpwnam("postgres")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    data, port = folder / "data", free_port()
    names = (f"bench{number}" for number in itertools.count())
    base = f"postgres://postgres@127.0.0.1:{port}"
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c shared_buffers=256MB"

    def new_database() -> str:
        name = next(names)
        as_server(program("createdb"), "--maintenance-db", f"{base}/postgres", name)
        return f"{base}/{name}"

    try:
        as_server(program("initdb"), "-D", data, "-U", "postgres", "--auth=trust")
        log = folder / "log"
        as_server(program("pg_ctl"), "-D", data, "-w", "-l", log, "-o", settings, "start")
        try:
            yield new_database
        finally:
            as_server(program("pg_ctl"), "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
