"""The manifests grant exactly what the code needs, and nothing besides."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml

from chaosmem.plan.permissions import permissions
from chaosmem.spec.target import AgentAccess
from tests.manifests.rights import MANIFESTS, Object, maximal, right, rights, written
from tests.manifests.table import line

DOCS = MANIFESTS.parent / "docs" / "kubernetes-permissions.md"
BASE = ("control.yaml", "target.yaml")


@pytest.fixture(scope="module")
def objects() -> list[Object]:
    return written()


def test_they_grant_exactly_what_everything_at_once_needs(objects: list[Object]) -> None:
    granted, needed = set(rights(objects)), {right(n) for n in permissions(maximal())}
    assert sorted(granted - needed) == []
    assert sorted(needed - granted) == []


def test_nothing_is_granted_twice(objects: list[Object]) -> None:
    assert [r for r, count in Counter(rights(objects)).items() if count > 1] == []


def test_no_wildcard_is_granted(objects: list[Object]) -> None:
    assert [r for r in rights(objects) if "*" in (r.group, r.resource, r.verb)] == []


def test_every_role_is_bound_in_its_own_namespace(objects: list[Object]) -> None:
    def place(o: Object, name: str) -> tuple[str, str]:
        return o["metadata"].get("namespace", ""), name

    made = {place(o, o["metadata"]["name"]) for o in objects if o["kind"].endswith("Role")}
    bound = {place(o, o["roleRef"]["name"]) for o in objects if o["kind"].endswith("Binding")}
    assert made == bound


def test_the_base_alone_is_enough_to_look_and_to_press() -> None:
    base = [o for f in BASE for o in yaml.safe_load_all((MANIFESTS / "base" / f).read_text())]
    spec = maximal()
    faults = tuple(f for f in spec.faults if getattr(f, "via", "") in ("helper", "agent"))
    target = spec.target.model_copy(update={"agent": AgentAccess()})
    plain = spec.model_copy(update={"faults": faults, "target": target})
    wanted = {right(n) for n in permissions(plain) if n.resource != "nodes"}
    assert set(rights(base)) == wanted


def test_the_docs_tell_of_each_permission_with_its_reason() -> None:
    text = DOCS.read_text()
    missing = [
        n for n in permissions(maximal("TARGET", "CONTROL", "agent-token")) if line(n) not in text
    ]
    assert missing == [], f"python -m tests.manifests.table prints the table for {DOCS.name}"
