"""The rights of `manifests/`, granted for real: runs in the tests have exactly them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.api import Access
from tests.manifests.rights import Object, render


@dataclass(frozen=True)
class Grant:
    """What was applied, and a kubeconfig of the ServiceAccount that has it."""

    objects: list[Object]
    kubeconfig: Path


def apply(cluster: Access, *objects: Object, dry_run: str = "none") -> str:
    """Apply them, each in its own namespace; what kubectl says."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return cluster.kubectl("apply", f"--dry-run={dry_run}", "-f", "-", text=listed)


@contextmanager
def granted(
    cluster: Access, place: Path, *, target: str, control: str, secret: str
) -> Iterator[Grant]:
    """The example of the manifests with these names; what is cluster-wide goes at the end."""
    argv = cluster.kubectl_argv()
    objects = render(place, argv, target=target, control=control, secret=secret)
    for wide in _wide(objects):  # one set for each test that runs now
        wide["metadata"]["name"] = f"{wide['metadata']['name']}-{target}"
        if wide["kind"] == "ClusterRoleBinding":
            wide["roleRef"]["name"] = f"{wide['roleRef']['name']}-{target}"
    try:
        apply(cluster, *objects)
        yield Grant(objects, cluster.account(place / "account", control, "chaosmem"))
    finally:
        for wide in _wide(objects):
            cluster.kubectl("delete", "--ignore-not-found", wide["kind"], wide["metadata"]["name"])


def _wide(objects: list[Object]) -> list[Object]:
    return [o for o in objects if o["kind"].startswith("ClusterRole")]
