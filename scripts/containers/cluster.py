"""deploy/compose.yaml under load: replicas that come and go, parts that are taken away."""

import json
import os
import signal
import time

from chaos import Chaos
from engine import docker, freeze, inspect, logs, until
from load import Client, Load
from names import REPLICAS

# Notes every result that is written, and every change to a job that has ended, whoever makes it.
RECORD = """
create table test_record (job uuid not null, what text not null);
create function test_result() returns trigger language plpgsql as
    'begin insert into test_record values (new.job, ''result''); return null; end';
create function test_end() returns trigger language plpgsql as
    'begin insert into test_record values (new.id, ''end''); return null; end';
create trigger test_results after insert or update on results
    for each row execute function test_result();
create trigger test_ends after update on jobs
    for each row when (old.state >= 2 or new.state >= 2) execute function test_end();
"""
TWICE = "select job, what, count(*) from test_record group by job, what having count(*) > 1"


class Cluster:
    """The tests of one cluster; it goes with `close`."""

    def __init__(self, compose, port, rounds, chaos=None):
        self.compose, self.port, self.rounds, self.chaos = compose, port, rounds, chaos
        self.accepted = {}

    def close(self):
        self.compose.down()

    def comes_up_by_one_command(self):
        began = time.monotonic()
        self.compose("up", "--detach", "--no-build")
        self.names = {name: self.compose.container(name) for name in
                      [*REPLICAS, "haproxy", "postgres", "s3"]}
        for name in REPLICAS:
            self.is_ready(name)
        until("HAProxy sends requests on", lambda: self.status("/readyz") == 200)
        print(f"   up in {time.monotonic() - began:.0f} s")
        key = os.path.join(self.compose.folder, "secrets/callers/web")
        with open(key, encoding="ascii") as file:
            self.key = file.read()
        client = Client(self.port, self.key)
        created = client.json("POST", "/v1/sessions", json.dumps({"ttl": "2h"}))
        self.session = created["id"]
        with open("examples/parcels.csv", "rb") as data:
            client.json("PUT", f"/v1/sessions/{self.session}/datasets/parcels", data.read(),
                        {"Content-Type": "text/csv"})
        self.sql("-c", RECORD)
        self.check_sql(client)

    def comes_up_again_with_the_same_secrets(self):
        """A second `up`, as after a change of the file."""
        secrets = self.secrets()
        self.compose("up", "--detach", "--no-build")
        made = self.compose.container("secrets", "--all")
        until("the secrets are looked at", lambda: not inspect(made, "State.Running"))
        assert inspect(made, "State.ExitCode") == 0, logs(made)
        assert self.secrets() == secrets
        for name in REPLICAS:
            self.is_ready(name)

    def keeps_metrics_to_those_inside(self):
        for path in ("/metrics", "/%6detrics", "/metric%73"):
            assert self.status(path) == 403, path

    def secrets(self):
        found = {}
        for folder, _, files in os.walk(os.path.join(self.compose.folder, "secrets")):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    found[os.path.join(folder, name)] = file.read()
        return found

    def check_sql(self, client):
        """SQL needs landlock and seccomp, which an engine's own profile may not let through."""
        body = json.dumps({"kind": "sql", "query": "select count(*) from parcels"})
        job = client.json("POST", f"/v1/sessions/{self.session}/analyses", body,
                          {"Content-Type": "application/json", "Prefer": "wait=60"})
        self.sql_works = job["state"] == "succeeded"
        if not self.sql_works:
            # The truth about the sandbox, and nothing else, is a reason to refuse.
            assert job["error"]["code"] == "sandbox_unavailable", job
            print("   SQL is refused here: the engine's seccomp profile has no landlock")

    def keeps_every_request_while_each_replica_is_replaced(self):
        load = self.load(strict=True)
        for _ in range(self.rounds):
            for name in REPLICAS:
                docker("stop", "--time", "30", self.names[name])
                assert inspect(self.names[name], "State.ExitCode") == 0, logs(self.names[name])[-3000:]
                docker("start", self.names[name])
                self.is_ready(name)
                self.is_used(name)
        self.ends(load, self.rounds * len(REPLICAS))

    def loses_nothing_when_a_replica_is_killed(self):
        load = self.load()
        # From outside of the engine, as the kernel does it: the restart policy takes over.
        before = inspect(self.names["lastcall-1"], "RestartCount")
        os.kill(inspect(self.names["lastcall-1"], "State.Pid"), signal.SIGKILL)
        until("the engine starts it again",
              lambda: inspect(self.names["lastcall-1"], "RestartCount") > before)
        self.is_ready("lastcall-1")
        docker("kill", self.names["lastcall-2"])
        self.moves(load)
        docker("start", self.names["lastcall-2"])
        self.is_ready("lastcall-2")
        self.ends(load)

    def loses_nothing_when_a_replica_is_frozen(self):
        load = self.load()
        restarts = inspect(self.names["lastcall-3"], "RestartCount")
        freeze(self.names["lastcall-3"])
        # Longer than a lease (5 s): peers take its jobs.
        time.sleep(8)
        self.moves(load)
        docker("unpause", self.names["lastcall-3"])
        self.is_ready("lastcall-3")
        assert inspect(self.names["lastcall-3"], "RestartCount") == restarts
        assert "is started again" not in logs(self.names["lastcall-3"])
        self.ends(load)

    def loses_nothing_when_a_replica_is_cut_off_from_postgres(self):
        self.cut_off("database", "store", self.load())

    def loses_nothing_when_a_replica_is_cut_off_from_s3(self):
        # What the replica has in hand waits there for the bucket, so the clients may all wait, too.
        self.cut_off("objects", "blobs", self.load(), peers_take_over=False)

    def cut_off(self, network, part, load, peers_take_over=True):
        network = self.compose.network(network)
        docker("network", "disconnect", network, self.names["lastcall-1"])
        until(f"readiness names the {part}", lambda: part in self.failing("lastcall-1"))
        if peers_take_over:
            self.moves(load)
        else:
            # Longer than a lease.
            time.sleep(8)
        docker("network", "connect", "--alias", "lastcall-1", network, self.names["lastcall-1"])
        self.is_ready("lastcall-1")
        self.ends(load)

    def loses_nothing_when_the_balancer_loses_a_replica(self):
        load = self.load()
        network = self.compose.network("front")
        docker("network", "disconnect", network, self.names["lastcall-2"])
        self.moves(load)
        docker("network", "connect", "--alias", "lastcall-2", network, self.names["lastcall-2"])
        self.is_ready("lastcall-2")
        self.is_used("lastcall-2")
        self.ends(load)

    def loses_nothing_when_postgres_restarts(self):
        load = self.load()
        docker("stop", "--time", "30", self.names["postgres"])
        for name in REPLICAS:
            until("readiness names the store", lambda name=name: "store" in self.failing(name))
            assert inspect(self.names[name], "State.Running"), name
        docker("start", self.names["postgres"])
        for name in REPLICAS:
            self.is_ready(name)
        self.moves(load)
        self.ends(load)

    def loses_nothing_when_the_s3_server_is_killed(self):
        load = self.load()
        docker("kill", self.names["s3"])
        for name in REPLICAS:
            until("readiness names the blobs", lambda name=name: "blobs" in self.failing(name))
        docker("start", self.names["s3"])
        for name in REPLICAS:
            self.is_ready(name)
        self.moves(load)
        self.ends(load)

    def is_served_by_nginx_as_well(self):
        nginx = docker(
            "run", "--detach", "--rm", "--read-only", "--tmpfs", "/tmp",
            "--network", self.compose.network("front"), "--publish", "127.0.0.1:0:8080",
            "-v", f"{self.compose.folder}/nginx.conf:/etc/nginx/nginx.conf:ro", "nginx:1.22")
        try:
            port = int(docker("port", nginx, "8080").splitlines()[0].rsplit(":", 1)[1])
            until("nginx answers", lambda: self.status("/readyz", port) == 200)
            load = Load(port, self.key, self.session, strict=False, sql=self.sql_works)
            self.moves(load)
            for name in REPLICAS:
                docker("stop", "--time", "30", self.names[name])
                docker("start", self.names[name])
                self.is_ready(name)
            self.ends(load, len(REPLICAS))
        finally:
            docker("stop", "--time", "5", nginx, check=False)

    def loses_nothing_to_faults_in_random_order(self):
        if not self.chaos:
            return
        seconds, seed = self.chaos
        print(f"   seed {seed}")
        load = self.load()
        counts = Chaos(self, seed).run(seconds)
        for name in REPLICAS:
            self.is_ready(name)
            self.is_used(name)
        self.moves(load)
        print("   " + ", ".join(f"{count} {fault}" for fault, count in sorted(counts.items())))
        self.ends(load)

    def wrote_nothing_twice(self):
        rows = self.sql("-At", "-c", TWICE)
        assert rows == "", rows
        print(f"   {len(self.accepted)} jobs")

    # What the tests are made of.

    def load(self, strict=False):
        load = Load(self.port, self.key, self.session, strict, self.sql_works)
        self.moves(load)
        return load

    def moves(self, load):
        """Jobs are accepted and end."""
        before = load.progress()
        until("jobs end", lambda: load.failures or load.progress() >= before + 5)

    def ends(self, load, replaced=0):
        """Every job that was accepted has succeeded, once, and its result is what it was."""
        load.stop()
        print(f"   {load.requests} requests, {load.repeated} sent again, {len(load.accepted)} jobs"
              + (f", {replaced} replicas replaced" if replaced else ""))
        assert not load.failures, "\n".join(load.failures[:10])
        self.accepted.update(load.accepted)
        client = Client(self.port, self.key)
        there, cursor = set(), ""
        while cursor is not None:
            page = client.json("GET", f"/v1/jobs?session={self.session}&limit=500{cursor}")
            there |= {job["id"] for job in page["items"]}
            following = page["next_cursor"]
            cursor = f"&cursor={following}" if following else None
        missing = set(self.accepted) - there
        assert not missing, f"lost: {missing}"

    def sql(self, *arguments):
        return docker("exec", self.names["postgres"], "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1",
                      "-U", "lastcall", "-d", "lastcall", *arguments)

    def status(self, path, port=None):
        try:
            return Client(port or self.port, "").once("GET", path)[0]
        except OSError:
            return None

    def readiness(self, name):
        """What the replica says of itself, asked from where the balancer is."""
        request = (f"exec 3<>/dev/tcp/{name}/8080 && printf 'GET /readyz HTTP/1.1\\r\\n"
                   "Host: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && timeout 5 cat <&3")
        answer = docker("exec", self.names["haproxy"], "timeout", "8", "bash", "-c", request, check=False)
        return json.loads(answer[answer.index("{"):]) if "{" in answer else {}

    def failing(self, name):
        return [check["name"] for check in self.readiness(name).get("checks", [])]

    def is_ready(self, name):
        until(f"{name} is ready", lambda: self.readiness(name).get("status") == "ready")

    def is_used(self, name):
        """The balancer has seen it: two checks and the time to look its name up again."""
        until(f"HAProxy sends requests to {name}", lambda: name in self.replicas_in_use())

    def replicas_in_use(self):
        table = docker("exec", self.names["haproxy"], "bash", "-c",
                       "exec 3<>/dev/tcp/127.0.0.1/8404 && printf 'GET /stats;csv HTTP/1.0\\r\\n\\r\\n' >&3"
                       " && timeout 5 cat <&3", check=False)
        return {row.split(",")[1] for row in table.splitlines()
                if row.startswith("replicas,") and ",UP," in row}

    TESTS = [
        comes_up_by_one_command,
        comes_up_again_with_the_same_secrets,
        keeps_metrics_to_those_inside,
        keeps_every_request_while_each_replica_is_replaced,
        loses_nothing_when_a_replica_is_killed,
        loses_nothing_when_a_replica_is_frozen,
        loses_nothing_when_a_replica_is_cut_off_from_postgres,
        loses_nothing_when_a_replica_is_cut_off_from_s3,
        loses_nothing_when_the_balancer_loses_a_replica,
        loses_nothing_when_postgres_restarts,
        loses_nothing_when_the_s3_server_is_killed,
        is_served_by_nginx_as_well,
        loses_nothing_to_faults_in_random_order,
        wrote_nothing_twice,
    ]
