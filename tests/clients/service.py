"""Asks the service, as a program does that knows HTTP only."""

import json
import urllib.request


def request(method, address, body=None, **headers):
    asked = urllib.request.Request(address, data=body, method=method, headers=headers)
    with urllib.request.urlopen(asked, timeout=120) as answer:
        return answer.read()


def ask(address, body):
    """Posts JSON; a job is waited for."""
    headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
    return json.loads(request("POST", address, json.dumps(body).encode(), **headers))
