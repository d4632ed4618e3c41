"""Renders deploy/helm/lastcall and checks what comes out.

    helm.py render > deploy/kubernetes/lastcall.yaml    the plain manifests, by the default values
    helm.py check                                       every set of values against the schemas

`check` needs PyYAML, jsonschema and kubernetes-validate, which scripts/test-deploy.sh installs.
"""

import copy
import json
import pathlib
import re
import sys

import yaml

from template import Chart, TemplateError

FOLDER = pathlib.Path("deploy/helm/lastcall")
PLAIN = pathlib.Path("deploy/kubernetes/lastcall.yaml")
VERSIONS = ["1.27", "1.31", "1.34"]
# Kinds of operators: they are in no schema of Kubernetes itself.
OF_OPERATORS = {"ServiceMonitor", "PrometheusRule", "ScaledObject"}
HEADER = """# Made from deploy/helm/lastcall by scripts/deploy/helm.py: change the chart, not this file.
# It needs a Secret "lastcall"; see the chart's NOTES.txt.
"""
# What else is rendered, on top of the defaults.
CASES = {
    "defaults": {},
    "everything": {
        "image": {"tag": "1.2.3"},
        "imagePullSecrets": [{"name": "registry"}],
        "blobs": {"endpoint": "http://s3:9000", "allowHttp": True, "ambientCredentials": True},
        "config": {"LASTCALL__ANALYSIS__WORKERS": "8"},
        "ingress": {"enabled": True, "className": "nginx", "tlsSecretName": "certificate"},
        "networkPolicy": {"clients": {"kubernetes.io/metadata.name": "web"}},
        "autoscaling": {"kind": "hpa"},
        "monitoring": {"serviceMonitor": True, "prometheusRule": True, "dashboard": True,
                       "labels": {"release": "prometheus"}},
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}},
        "podAnnotations": {"example.com/note": "yes"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
        "shutdown": {"deadlineSeconds": 600},
    },
    "keda": {"autoscaling": {"kind": "keda"}, "networkPolicy": {"enabled": False}},
}
# What the schema of the values has to refuse.
REFUSED = [
    {"replica": 3},
    {"blobs": {"url": "s3://key:secret@bucket"}},
    {"autoscaling": {"kind": "both"}},
    {"shutdown": {"deadlineSeconds": "25s"}},
    {"config": {"PATH": "/tmp"}},
]


def merged(base, over):
    values = copy.deepcopy(base)
    for key, value in over.items():
        inner = isinstance(value, dict) and isinstance(values.get(key), dict)
        values[key] = merged(values[key], value) if inner else value
    return values


def defaults():
    return yaml.safe_load((FOLDER / "values.yaml").read_text("utf-8"))


def render(values):
    chart = yaml.safe_load((FOLDER / "Chart.yaml").read_text("utf-8"))
    about = {"Name": chart["name"], "Version": chart["version"], "AppVersion": chart["appVersion"]}
    release = {"Name": "lastcall", "Namespace": "lastcall", "Service": "Helm"}
    files = {f"files/{file.name}": file.read_text("utf-8") for file in (FOLDER / "files").iterdir()}
    chart = Chart(values, about, release, files)
    chart.render((FOLDER / "templates/_helpers.tpl").read_text("utf-8"))
    documents = []
    for file in sorted((FOLDER / "templates").iterdir()):
        if file.name.startswith("_"):
            continue
        try:
            text = chart.render(file.read_text("utf-8"))
        except (TemplateError, KeyError) as error:
            raise SystemExit(f"{file}: {error}") from error
        if file.suffix == ".yaml":
            parts = (part.strip() for part in text.split("\n---\n"))
            documents += [part for part in parts if part.strip("-\n ")]
    return documents


def plain():
    return HEADER + "".join(f"---\n{document}\n" for document in render(defaults()))


def check():
    import jsonschema  # noqa: PLC0415: only for this
    import kubernetes_validate  # noqa: PLC0415

    schema = json.loads((FOLDER / "values.schema.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    for over in REFUSED:
        try:
            jsonschema.validate(merged(defaults(), over), schema)
        except jsonschema.ValidationError:
            continue
        raise SystemExit(f"the schema of the values accepts {over}")
    for name, over in CASES.items():
        values = merged(defaults(), over)
        jsonschema.validate(values, schema)
        documents = [yaml.safe_load(document) for document in render(values)]
        kinds = [document["kind"] for document in documents]
        for document in documents:
            if document["kind"] in OF_OPERATORS:
                assert document["spec"], document
                continue
            for version in VERSIONS:
                kubernetes_validate.validate(document, version, strict=True)
        for ingress in (d for d in documents if d["kind"] == "Ingress"):
            check_ingress(ingress)
        check_deployment(next(d for d in documents if d["kind"] == "Deployment"), values)
        check_alerts(documents)
        print(f"{name}: {', '.join(kinds)}")
    if PLAIN.read_text("utf-8") != plain():
        raise SystemExit(f"{PLAIN} is not what the chart renders: scripts/deploy/helm.py render >{PLAIN}")


def check_deployment(deployment, values):
    """What the schemas do not know."""
    pod = deployment["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > values["shutdown"]["deadlineSeconds"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert selector.items() <= labels.items(), (selector, labels)
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    names = [variable["name"] for variable in pod["containers"][0]["env"]]
    assert len(names) == len(set(names)), names
    # Keys that are named stand before what the pod has by itself.
    keys = {"AWS_ACCESS_KEY_ID_FILE", "AWS_SECRET_ACCESS_KEY_FILE"} & set(names)
    assert bool(keys) != values["blobs"]["ambientCredentials"], names


def check_ingress(ingress):
    """Whatever the pages load or link to is let through, but for the operators' paths."""
    paths = ingress["spec"]["rules"][0]["http"]["paths"]

    def passes(wanted):
        for path in paths:
            under = path["path"].rstrip("/") + "/"
            if wanted == path["path"] or path["pathType"] == "Prefix" and wanted.startswith(under):
                return True
        return False

    assets = pathlib.Path("src/api/assets")
    sources = [*assets.glob("*.html"), *assets.glob("*.js"), pathlib.Path("src/api/src/errors_page.rs")]
    text = "".join(source.read_text("utf-8") for source in sources)
    wanted = set(re.findall(r"""["`](/(?:[a-z0-9_]+[a-z0-9_./]*)?)""", text)) - {"/metrics"}
    assert {"/v1/system", "/assets/main.js", "/docs"} <= wanted, wanted
    missing = {path for path in wanted if not passes(path)}
    assert not missing, f"the ingress does not let through {missing}"
    assert not passes("/metrics")


def check_alerts(documents):
    rules = [d for d in documents if d["kind"] == "PrometheusRule"]
    expected = yaml.safe_load((FOLDER / "files/alerts.yaml").read_text("utf-8"))
    for rule in rules:
        assert rule["spec"] == expected
    runbook = pathlib.Path("docs/runbook.md").read_text("utf-8")
    tests = yaml.safe_load(pathlib.Path("scripts/deploy/alerts.test.yaml").read_text("utf-8"))["tests"]
    tested = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    for alert in expected["groups"][0]["rules"]:
        page, anchor = alert["annotations"]["runbook_url"].split("#")
        assert page == "docs/runbook.md" and anchor == alert["alert"].lower(), alert
        assert f"\n## {alert['alert']}\n" in runbook, f"no entry for {alert['alert']}"
        assert alert["alert"] in tested, f"no test for {alert['alert']}"
    dashboard = (FOLDER / "files/dashboard.json").read_text("utf-8")
    known = pathlib.Path("docs/metrics.md").read_text("utf-8")
    used = set(re.findall(r"(?:lastcall|process)_[a-z_]+", dashboard + json.dumps(expected)))
    for name in used:
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert f"`{name}`" in known or f"`{base}`" in known, f"{name} is no metric"


if __name__ == "__main__":
    if sys.argv[1:] == ["render"]:
        sys.stdout.write(plain())
    elif sys.argv[1:] == ["check"]:
        check()
    else:
        raise SystemExit(__doc__)
