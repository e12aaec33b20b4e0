"""The manifests as kustomize renders them, and their rights one by one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from chaosmem.plan.permissions import Need
from chaosmem.spec.model import Experiment

MANIFESTS = Path(__file__).parents[2] / "manifests"
TARGET, CONTROL, SECRET = "chaosmem-target", "chaosmem", "chaosmem-agent"
Object = dict[str, Any]


class Right(NamedTuple):
    """One verb on one resource; an empty namespace is the whole cluster."""

    namespace: str
    group: str
    resource: str
    verb: str
    name: str = ""


def written() -> list[Object]:
    """Every object of the files as they are, with the names that kustomize would replace."""
    files = [*MANIFESTS.glob("base/*.yaml"), *MANIFESTS.glob("components/*/*.yaml")]
    objects = [o for file in sorted(files) for o in yaml.safe_load_all(file.read_text())]
    return [o for o in objects if o["kind"] not in ("Kustomization", "Component")]


def render(
    place: Path,
    kubectl: list[str],
    *,
    target: str = TARGET,
    control: str = CONTROL,
    secret: str = SECRET,
) -> list[Object]:
    """The example, copied, changed as its first lines say, and built by kustomize."""
    copied = place / "manifests"
    shutil.copytree(MANIFESTS, copied)
    file = copied / "example" / "kustomization.yaml"
    text = file.read_text()
    wanted = {"targetNamespace": target, "controlNamespace": control, "tokenSecret": secret}
    for name, value in wanted.items():
        text = re.sub(rf"- {name}=\S+", f"- {name}={value}", text)
    file.write_text(text)
    done = subprocess.run(
        [*kubectl, "kustomize", str(file.parent)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def roles(objects: Iterable[Object]) -> list[Object]:
    """The Roles and ClusterRoles among them."""
    return [o for o in objects if o["kind"] in ("Role", "ClusterRole")]


def rights(objects: Iterable[Object]) -> list[Right]:
    """Every right that the roles grant; one that is granted twice stands here twice."""
    return [
        Right(role["metadata"].get("namespace", ""), group, resource, verb, name)
        for role in roles(objects)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    ]


def right(need: Need) -> Right:
    """The right that answers a need; the name counts only where manifests can give it."""
    resource = need.resource + (f"/{need.subresource}" if need.subresource else "")
    name = need.name if need.resource == "secrets" else ""
    return Right(need.namespace, need.group, resource, need.verb, name)


def without(role: Object, lost: Right) -> Object:
    """A role with one right less."""
    rules = []
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                same = (group, resource) == (lost.group, lost.resource)
                verbs = [v for v in rule["verbs"] if not (same and v == lost.verb)]
                one = rule | {"apiGroups": [group], "resources": [resource], "verbs": verbs}
                rules += [one] if verbs else []
    return role | {"rules": rules}


def maximal(target: str = TARGET, control: str = CONTROL, secret: str = SECRET) -> Experiment:
    """An experiment that uses everything at once; only its permissions make sense."""
    mix = [{"path": "/", "method": m} for m in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")]
    faults: list[Object] = [
        {"kind": "memory", "via": "helper", "level": "80%"},
        {"kind": "memory", "via": "chaos-mesh", "level": "80%"},
        {"kind": "heap", "retain": "8MiB"},
        {"kind": "runtime", "via": "rollout", "gogc": 50},
        {"kind": "load", "rate": "10/s", "origin": "runner", "mix": mix},
        {"kind": "load", "rate": "10/s", "origin": "cluster", "mix": mix[:1]},
    ]
    return experiment(faults, target=target, control=control, secret=secret)


def experiment(
    faults: list[Object],
    *,
    target: str = TARGET,
    control: str = CONTROL,
    secret: str = "",
    kubernetes: Object | None = None,
) -> Experiment:
    """An experiment on pods."""
    pods = {"namespace": target, "selector": {"app": "shop"}, "controlNamespace": control}
    agent = {"tokenSecret": f"{secret}/token"} if secret else {}
    return Experiment.model_validate(
        {
            "metadata": {"name": "rights"},
            "target": {"kubernetes": pods | (kubernetes or {}), "agent": agent},
            "faults": faults,
        }
    )
