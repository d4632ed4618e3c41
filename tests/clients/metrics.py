"""Scrapes the service as Prometheus does, and reads both formats with the parsers of its own library."""

import json
import os
import sys
import time

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus
from service import ask, request

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "parcels.csv")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# What Prometheus 3 sends.
ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


def series(families):
    """The name, the labels and the type of each series."""
    return {
        (sample.name, family.type, *sorted((name, bound(name, value)) for name, value in sample.labels.items()))
        for family in families
        for sample in family.samples
    }


def bound(name, value):
    """The bounds of buckets are written differently."""
    return float(value) if name == "le" else value


def scrape(base):
    text = request("GET", f"{base}/metrics", Accept=ACCEPT).decode()
    assert text.endswith("# EOF\n"), text[-200:]
    return list(open_metrics(text))


def exemplars(families, name):
    """The exemplars of a histogram by the labels of their buckets."""
    samples = [sample for family in families if family.name == name for sample in family.samples]
    assert samples, f"{name} is missing"
    return [(sample.labels, sample.exemplar) for sample in samples if sample.exemplar]


def main(base):
    begun = time.time()
    session = json.loads(request("POST", f"{base}/v1/sessions", b"{}", **{"Content-Type": "application/json"}))
    path = f"{base}/v1/sessions/{session['id']}"
    with open(DATA, "rb") as data:
        request("PUT", f"{path}/datasets/parcels", data.read(), **{"Content-Type": "text/csv"})
    assert ask(f"{path}/analyses", {"dataset": "parcels", "kind": "profile"})["state"] == "succeeded"
    histograms = ("lastcall_http_request_duration_seconds", "lastcall_job_wait_seconds", "lastcall_job_run_seconds")
    found = scrape(base)
    for name in histograms:
        assert not exemplars(found, name), f"{name} has an exemplar of no trace"

    query = {"kind": "sql", "query": "select count(*) from parcels"}
    traced = {"Content-Type": "application/json", "Prefer": "wait=60", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    job = json.loads(request("POST", f"{path}/analyses", json.dumps(query).encode(), **traced))
    assert job["state"] == "succeeded", job
    # A job is seen to have ended before it is counted.
    until = time.monotonic() + 30
    while not all(exemplars(found := scrape(base), name) for name in histograms):
        assert time.monotonic() < until, "no exemplar of the traced job"
    for name in histograms:
        (labels, exemplar), = exemplars(found, name)
        assert exemplar.labels == {"trace_id": TRACE}, exemplar
        assert 0 <= exemplar.value <= float(labels["le"]), (labels, exemplar)
        assert begun - 1 <= float(exemplar.timestamp) <= time.time() + 1, exemplar
        if name.startswith("lastcall_job"):
            assert labels["service"] == "AnalysisService", labels
        else:
            assert labels["route"] == "/v1/sessions/{sid}/analyses", labels

    plain = request("GET", f"{base}/metrics").decode()
    assert "trace_id" not in plain and "# EOF" not in plain
    # Each scrape counts the one before it, which is why the newer one comes first.
    assert series(found) <= series(prometheus(plain)), series(found) - series(prometheus(plain))
    assert series(prometheus(plain)) <= series(scrape(base))


main(sys.argv[1])
