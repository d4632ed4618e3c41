"""A steady load by an ordinary client: it submits, polls, fetches and reads."""

import hashlib
import http.client
import json
import random
import threading
import time
import uuid

from engine import TIMEOUT

# Clients that submit; each has one job at a time.
SUBMITTERS = 3
# Between two requests of a client.
PAUSE = 0.05
QUERY = "select city, count(*) n from parcels group by 1 order by 1"


class Unanswered(Exception):
    """A request that was not answered as it should have been."""


class Client:
    """Requests on one connection that is kept alive."""

    def __init__(self, port, key):
        self.port, self.key, self.connection = port, key, None

    def once(self, method, path, body=None, headers=()):
        """Status and body; OSError or HTTPException where there is no answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=100)
        try:
            headers = {"Authorization": f"Bearer {self.key}", **dict(headers)}
            self.connection.request(method, path, body=body, headers=headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise

    def json(self, method, path, body=None, headers=()):
        status, answer = self.once(method, path, body, headers)
        if status >= 300:
            raise Unanswered(f"{method} {path}: {status} {answer[:300]!r}")
        return json.loads(answer)


class Load:
    """Clients that work until they are stopped.

    `strict`: every request that fails is noted as a failure. Otherwise the client does what its
    documentation says: it sends the request again, a POST with the same Idempotency-Key.
    """

    def __init__(self, port, key, session, strict, sql=True):
        self.port, self.key, self.session, self.strict = port, key, session, strict
        self.kinds = ["profile", "profile", "report"] + (["sql"] if sql else [])
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.requests, self.repeated, self.failures = 0, 0, []
        # By job: the digest of its result, once it was fetched.
        self.accepted = {}
        work = [self._submit] * SUBMITTERS + [self._read]
        self.threads = [threading.Thread(target=self._guard, args=(each,)) for each in work]
        for thread in self.threads:
            thread.start()

    def stop(self):
        """Lets every client finish its job."""
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self

    def progress(self):
        """How many jobs have ended so far."""
        with self.lock:
            return sum(1 for digest in self.accepted.values() if digest)

    def _fail(self, what):
        with self.lock:
            self.failures.append(f"{time.strftime('%H:%M:%S')} {what}")

    def _guard(self, work):
        try:
            work(Client(self.port, self.key))
        except Exception as error:  # noqa: BLE001: whatever it is, the test has to hear of it
            self._fail(f"a client ended: {error!r}")

    def _ask(self, client, method, path, body=None, headers=()):
        end = time.monotonic() + TIMEOUT
        while True:
            with self.lock:
                self.requests += 1
            try:
                status, answer = client.once(method, path, body, headers)
                if status < 300:
                    return answer
                what = f"{method} {path}: {status} {answer[:300]!r}"
                # What the caller has done wrong stays wrong.
                final = status < 500 and status != 429
            except (OSError, http.client.HTTPException) as error:
                what, final = f"{method} {path}: {error!r}", False
            if self.strict or final or time.monotonic() > end:
                raise Unanswered(what)
            with self.lock:
                self.repeated += 1
            time.sleep(0.3)

    def _submit(self, client):
        while not self.over.is_set():
            try:
                self._one_job(client)
            except Unanswered as what:
                self._fail(what)

    def _one_job(self, client):
        kind = random.choice(self.kinds)
        path = f"/v1/sessions/{self.session}/" + ("reports" if kind == "report" else "analyses")
        body = {
            # No two are the same, so that none is answered from the store.
            "sql": lambda: {"kind": "sql", "query": f"{QUERY} -- {uuid.uuid4()}"},
            "report": lambda: {"dataset": "parcels", "format": "md"},
            "profile": lambda: {"kind": "profile", "dataset": "parcels", "options": {
                "read": {"missing": ["", uuid.uuid4().hex]}}},
        }[kind]()
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        job = json.loads(self._ask(client, "POST", path, json.dumps(body), headers))
        with self.lock:
            self.accepted[job["id"]] = None
        end = time.monotonic() + TIMEOUT
        while job["state"] in ("queued", "running"):
            if time.monotonic() > end:
                return self._fail(f"job {job['id']} does not end: {job}")
            time.sleep(PAUSE)
            job = json.loads(self._ask(client, "GET", f"/v1/jobs/{job['id']}"))
        if job["state"] != "succeeded":
            return self._fail(f"a job did not succeed: {job}")
        result = self._ask(client, "GET", f"/v1/jobs/{job['id']}/result")
        with self.lock:
            self.accepted[job["id"]] = hashlib.sha256(result).hexdigest()

    def _read(self, client):
        session = f"/v1/sessions/{self.session}"
        paths = [session, f"{session}/datasets/parcels", f"/v1/jobs?session={self.session}&limit=5"]
        while not self.over.is_set():
            for path in paths:
                try:
                    self._ask(client, "GET", path)
                except Unanswered as what:
                    self._fail(what)
                time.sleep(PAUSE)
