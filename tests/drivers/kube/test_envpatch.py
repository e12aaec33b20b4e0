"""A container's environment is changed in place, and given back as it was written."""

from __future__ import annotations

from typing import Any

import pytest

from chaosmem.drivers.kube.envpatch import Elsewhere, EnvUndo, applied, plan_env, reverted
from chaosmem.drivers.kube.kinds import DEPLOYMENT, Ref
from chaosmem.errors import PlanRefused, UndoIncomplete

REF = Ref(kind=DEPLOYMENT, namespace="shop", name="cart", uid="u1")
NOWHERE = Elsewhere({})
MAP = {"name": "GODEBUG", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "debug"}}}
FIELD = {"name": "GOMEMLIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}}


def _workload(env: list[dict[str, Any]] | None) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "cart"} | ({} if env is None else {"env": env})
    return {"spec": {"template": {"spec": {"containers": [{"name": "proxy"}, container]}}}}


def _plan(
    env: list[dict[str, Any]] | None, changes: dict[str, str], found: Elsewhere = NOWHERE
) -> EnvUndo:
    return plan_env(REF, _workload(env), "cart", changes, found)


@pytest.mark.parametrize(
    ("env", "changes", "found", "after"),
    [
        pytest.param(
            [{"name": "A", "value": "1"}],
            {"GOGC": "50"},
            NOWHERE,
            [{"name": "A", "value": "1"}, {"name": "GOGC", "value": "50"}],
            id="a-new-one-at-the-end",
        ),
        pytest.param(
            [{"name": "GOGC", "value": "100"}, {"name": "A", "value": "1"}],
            {"GOGC": "50"},
            NOWHERE,
            [{"name": "GOGC", "value": "50"}, {"name": "A", "value": "1"}],
            id="in-its-place",
        ),
        pytest.param(
            [{"name": "GODEBUG", "value": "gctrace=1,madvdontneed=1"}],
            {"GODEBUG": "madvdontneed=0"},
            NOWHERE,
            [{"name": "GODEBUG", "value": "gctrace=1,madvdontneed=0"}],
            id="godebug-is-merged",
        ),
        pytest.param(
            [MAP],
            {"GODEBUG": "madvdontneed=0"},
            Elsewhere({"GODEBUG": "gctrace=1"}),
            [{"name": "GODEBUG", "value": "gctrace=1,madvdontneed=0"}],
            id="from-a-config-map",
        ),
        pytest.param(
            [],
            {"GODEBUG": "madvdontneed=0"},
            Elsewhere({"GODEBUG": "gctrace=1"}),
            [{"name": "GODEBUG", "value": "gctrace=1,madvdontneed=0"}],
            id="from-envFrom",
        ),
        pytest.param(
            [FIELD],
            {"GOMEMLIMIT": "128MiB"},
            NOWHERE,
            [{"name": "GOMEMLIMIT", "value": "128MiB"}],
            id="from-a-resource-field",
        ),
    ],
)
def test_a_change_and_its_revert_are_exact(
    env: list[dict[str, Any]],
    changes: dict[str, str],
    found: Elsewhere,
    after: list[dict[str, Any]],
) -> None:
    undo = EnvUndo.model_validate_json(_plan(env, changes, found).model_dump_json())
    assert applied(undo, env) == after
    assert reverted(undo, after) == env
    assert reverted(undo, env) == env, "a revert of what is reverted changes nothing"


def test_what_stands_beside_may_change_in_the_meantime() -> None:
    undo = _plan([{"name": "A", "value": "1"}], {"GOGC": "50"})
    now = [
        {"name": "A", "value": "2"},
        {"name": "GOGC", "value": "50"},
        {"name": "B", "value": "3"},
    ]
    assert reverted(undo, now) == [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]


def test_what_somebody_else_has_changed_is_not_reverted_but_named() -> None:
    undo = _plan([], {"GOGC": "50", "GOMEMLIMIT": "off"})
    now = [{"name": "GOGC", "value": "75"}, {"name": "GOMEMLIMIT", "value": "off"}]
    with pytest.raises(UndoIncomplete, match="GOGC of container cart was changed by somebody else"):
        reverted(undo, now)


def test_a_secret_is_not_read_to_be_merged_into() -> None:
    secret = {"name": "GODEBUG", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    with pytest.raises(PlanRefused, match="comes from a secretKeyRef, which is not read"):
        _plan([secret], {"GODEBUG": "gctrace=1"})


def test_a_container_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(PlanRefused, match="no container 'x'; it has: proxy, cart"):
        plan_env(REF, _workload([]), "x", {"GOGC": "50"}, NOWHERE)
