"""The image: what is in it, as whom it runs, how it starts and stops."""

import http.client
import io
import json
import os
import subprocess
import tarfile
import urllib.request
import uuid

from engine import docker, inspect, logs, until
from load import Client

# Files beside the program and its libraries; nothing else belongs into the image.
FILES = {
    "usr/local/bin/lastcall",
    "etc/lastcall/prod.toml",
    "etc/ssl/certs/ca-certificates.crt",
    "etc/passwd",
    "etc/group",
    "etc/nsswitch.conf",
    "usr/share/doc/lastcall/LICENSE",
    "usr/share/doc/lastcall/lastcall.cdx.json",
}
# What the engine itself lays into a container.
OF_THE_ENGINE = {".dockerenv", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf", "dev/console"}
LEAST_OF_THE_PROGRAM = 10 << 20
MOST_OF_THE_REST = 15 << 20
MOST_OF_A_RELEASE = 150 << 20

READ_ONLY = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
             "--security-opt", "no-new-privileges:true"]
EMBEDDED = [
    "-e", "LASTCALL__STORE__URL=sqlite:///var/lib/lastcall/lastcall.db",
    "-e", "LASTCALL__BLOBS__URL=file:///var/lib/lastcall/blobs",
    "-e", "LASTCALL__SHUTDOWN__LAME_DUCK=0s",
]


class Patient(Client):
    """A client that sends a request again while nobody answers: each names itself."""

    def once(self, method, path, body=None, headers=()):
        headers = {**dict(headers), "Idempotency-Key": uuid.uuid4().hex}
        def answered():
            try:
                return Client.once(self, method, path, body, headers)
            except (OSError, http.client.HTTPException):
                return None
        return until(f"{method} {path} is answered", answered)


class Image:
    """The tests of one image; what they start is removed by `close`."""

    def __init__(self, name, profile, keys, key):
        self.name, self.profile, self.keys, self.key = name, profile, keys, key
        self.containers = []

    def close(self):
        for container in self.containers:
            docker("rm", "--force", "--volumes", container, check=False)

    def start(self, *options):
        container = docker(
            "run", "--detach", "--publish", "127.0.0.1:0:8080", *READ_ONLY, *EMBEDDED,
            "-v", f"{self.keys}:/run/secrets/keys:ro",
            "-e", "LASTCALL__AUTH__KEYS_FILE=/run/secrets/keys", *options, self.name)
        self.containers.append(container)
        until("the log says that it is ready", lambda: "Lastcall ready on" in logs(container))
        return container

    def holds_only_what_runs(self):
        container = docker("create", self.name)
        self.containers.append(container)
        exported = subprocess.run(["docker", "export", container], capture_output=True, timeout=300, check=True)
        program, rest, strangers, missing = 0, 0, [], set(FILES)
        with tarfile.open(fileobj=io.BytesIO(exported.stdout)) as files:
            for file in files:
                if file.isdir() or file.name in OF_THE_ENGINE:
                    continue
                if file.name == "usr/local/bin/lastcall":
                    program = file.size
                else:
                    rest += file.size
                missing.discard(file.name)
                library = file.name.startswith(("lib/", "lib64/", "usr/lib/")) and ".so" in file.name
                if not library and file.name not in FILES:
                    strangers.append(file.name)
            bill = json.load(files.extractfile("usr/share/doc/lastcall/lastcall.cdx.json"))
        print(f"   program {program >> 20} MiB ({self.profile}), all else {rest / (1 << 20):.1f} MiB")
        assert not strangers, strangers
        assert not missing, missing
        assert program > LEAST_OF_THE_PROGRAM, program
        assert rest < MOST_OF_THE_REST, rest
        if self.profile == "release":
            assert program + rest < MOST_OF_A_RELEASE, program + rest
        assert bill["bomFormat"] == "CycloneDX"
        assert {"actix-web", "tokio"} <= {part["name"] for part in bill["components"]}

    def says_what_it_is(self):
        config = inspect(self.name, "Config")
        assert config["User"] == "10001:10001", config["User"]
        assert config["StopSignal"] == "SIGTERM"
        assert config["Healthcheck"]["Test"][-1] == "health"
        assert list(config["Volumes"]) == ["/var/lib/lastcall"]
        for label in ("title", "licenses", "version", "revision", "created"):
            assert config["Labels"][f"org.opencontainers.image.{label}"], label

    def runs_read_only_and_does_work(self):
        container = self.working = self.start()
        address = docker("port", container, "8080").splitlines()[0]

        def ask(method, path, body=None, kind="application/json"):
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind, "Prefer": "wait=60"}
            request = urllib.request.Request(f"http://{address}{path}", body, headers, method=method)
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.read()

        session = json.loads(ask("POST", "/v1/sessions", b"{}"))["id"]
        with open("examples/parcels.csv", "rb") as data:
            ask("PUT", f"/v1/sessions/{session}/datasets/parcels", data.read(), "text/csv")
        # PDFs are set in a process of their own, started from the running image.
        body = json.dumps({"dataset": "parcels", "format": "pdf"}).encode()
        job = json.loads(ask("POST", f"/v1/sessions/{session}/reports", body))
        assert job["state"] == "succeeded", job
        assert ask("GET", f"/v1/jobs/{job['id']}/result").startswith(b"%PDF")
        until("the health check of the image passes",
              lambda: inspect(container, "State.Health.Status") == "healthy")
        assert "Read-only file system" not in logs(container)

    def loses_nothing_where_memory_is_short(self):
        """More work than the container's memory holds: processes are killed by the kernel, queries
        first. Each job ends all the same, and one that fails says why."""
        limit = ["--memory", "192m", "--memory-swap", "192m", "--restart", "unless-stopped"]
        container = self.start(*limit, "-e", "LASTCALL__ANALYSIS__MEMORY=512MiB")
        port = int(docker("port", container, "8080").splitlines()[0].rsplit(":", 1)[1])
        rows = "\n".join(f"{n},{n * 7919 % 100003},text {n * 31 % 50021}" for n in range(300_000))
        client = Patient(port, self.key)
        session = client.json("POST", "/v1/sessions", b"{}")["id"]
        client.json("PUT", f"/v1/sessions/{session}/datasets/t", f"id,a,b\n{rows}\n".encode(),
                    {"Content-Type": "text/csv"})
        query = "select x.b, count(distinct y.id) n, max(x.a) m from t x join t y on x.a = y.a group by 1 order by 2 desc, 1"
        bodies = [{"kind": "sql", "query": f"{query} limit {n}"} for n in range(1, 3)]
        bodies += [{"kind": "profile", "dataset": "t"}]
        jobs = [client.json("POST", f"/v1/sessions/{session}/analyses", json.dumps(body).encode(),
                            {"Content-Type": "application/json"})["id"] for body in bodies]
        ended = {}

        def have_ended():
            for job in jobs:
                seen = client.json("GET", f"/v1/jobs/{job}")
                if seen["state"] in ("succeeded", "failed"):
                    ended[job] = seen["error"]["code"] if seen["error"] else "succeeded"
            return len(ended) == len(jobs)
        until("every job has ended", have_ended, 300)
        print(f"   {sorted(ended.values())}, {inspect(container, 'RestartCount')} restarts")
        truths = {"succeeded", "resource_exhausted", "attempts_exhausted", "sandbox_unavailable"}
        assert set(ended.values()) <= truths, ended

    def waits_for_what_it_inherits_as_process_1(self):
        """The image has no shell to leave a process behind: its program runs in one that has."""
        program = os.path.join(os.path.dirname(self.keys), "lastcall")
        created = docker("create", self.name)
        self.containers.append(created)
        docker("cp", f"{created}:/usr/local/bin/lastcall", program)
        container = docker(
            "run", "--detach", "-v", f"{program}:/lastcall:ro", "debian:bookworm-slim", "bash", "-c",
            "(sleep 1000 & ) ; cd /tmp ; exec /lastcall serve")
        self.containers.append(container)
        until("the log says that it is ready", lambda: "Lastcall ready on" in logs(container))

        def inherited():
            """The ids of processes whose parent is process 1, by their names."""
            listed = docker("exec", container, "bash", "-c", "for f in /proc/[0-9]*/stat; do"
                            " { read -r l <$f && echo \"$l\"; } 2>/dev/null; done; true")
            found = {}
            # ID (NAME) STATE PARENT …
            for line in listed.splitlines():
                head, _, tail = line.rpartition(") ")
                process, _, name = head.partition(" (")
                if tail.split()[1] == "1":
                    found[name] = process
            return found
        process = inherited()["sleep"]
        docker("exec", container, "bash", "-c", f"kill {process}")
        until("it is waited for", lambda: "sleep" not in inherited())
        docker("stop", "--time", "30", container)
        assert inspect(container, "State.ExitCode") == 0, logs(container)

    def stops_in_order_as_process_1(self):
        container = self.working
        docker("stop", "--time", "30", container)
        code = inspect(container, "State.ExitCode")
        text = logs(container)
        assert code == 0, (code, text)
        assert "All services shut down successfully" in text.splitlines()[-1], text

    def ends_with_its_code_where_a_part_is_missing(self):
        ended = subprocess.run(
            ["docker", "run", "--rm", *READ_ONLY, "-v", f"{self.keys}:/run/secrets/keys:ro",
             "-e", "LASTCALL__AUTH__KEYS_FILE=/run/secrets/keys",
             "-e", "LASTCALL__STORE__URL=postgres://lastcall@127.0.0.1:1/lastcall", self.name],
            capture_output=True, text=True, timeout=300)
        assert ended.returncode == 69, ended
        assert "store.url" in ended.stderr, ended
        refused = subprocess.run(["docker", "run", "--rm", self.name, "check"],
                                 capture_output=True, text=True, timeout=300)
        assert refused.returncode == 78, refused
        assert "auth.keys" in refused.stderr, refused

    def has_no_shell(self):
        shell = subprocess.run(["docker", "run", "--rm", "--entrypoint", "/bin/sh", self.name],
                               capture_output=True, text=True, timeout=300)
        assert shell.returncode == 127, shell

    TESTS = [
        says_what_it_is,
        holds_only_what_runs,
        has_no_shell,
        ends_with_its_code_where_a_part_is_missing,
        runs_read_only_and_does_work,
        loses_nothing_where_memory_is_short,
        waits_for_what_it_inherits_as_process_1,
        stops_in_order_as_process_1,
    ]
