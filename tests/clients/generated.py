"""The README's first session, by a client that openapi-python-client generates."""

import importlib
import io
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "parcels.csv")


def main(base, folder):
    document = os.path.join(folder, "openapi.json")
    subprocess.run(["curl", "-sf", f"{base}/openapi.json", "-o", document], check=True)
    program = os.path.join(os.path.dirname(sys.executable), "openapi-python-client")
    made = subprocess.run(
        [program, "generate", "--path", document, "--output-path", os.path.join(folder, "lastcall_client"),
         "--meta", "none", "--overwrite"],
        capture_output=True, text=True, env={**os.environ, "PATH": os.path.dirname(program) + ":" + os.environ["PATH"]},
    )
    assert made.returncode == 0, made.stderr
    # Other kinds of bodies than bytes and JSON are left out, and nothing else.
    said = made.stdout + made.stderr
    assert "Unable to" not in said, said
    sys.path.insert(0, folder)

    client = importlib.import_module("lastcall_client").Client(base_url=base, raise_on_unexpected_status=True)
    types = importlib.import_module("lastcall_client.types")
    models = importlib.import_module("lastcall_client.models")

    def call(path, *arguments, **named):
        return importlib.import_module(f"lastcall_client.api.{path}").sync(*arguments, client=client, **named)

    session = call("sessions.create_session", body=models.NewSession(ttl="30m"))
    with open(DATA, "rb") as data:
        dataset = call(
            "datasets.put_dataset", session.id, "parcels",
            body=types.File(payload=io.BytesIO(data.read())), format_=models.Format.CSV,
        )
    assert dataset.name == "parcels" and dataset.bytes_ == os.path.getsize(DATA), dataset

    query = models.NewQuery(kind=models.NewQueryKind.SQL, query="select count(*) n from parcels")
    job = call("jobs.create_analysis", session.id, body=query, prefer="wait=30")
    answer = call("jobs.get_result", job.id)
    assert json.load(answer.payload)["rows"] == [[240]]

    wanted = models.NewDatasetReport(dataset="parcels", format_=models.NewReportFormat.PDF)
    job = call("jobs.create_report", session.id, body=wanted, prefer="wait=60")
    assert job.state == "succeeded", job
    pdf = call("jobs.get_result", job.id).payload.read()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF"), pdf[:20]


main(sys.argv[1], sys.argv[2])
