"""Which pods are chosen, and what is refused before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest

from chaosmem.plan.model import PlannedPod
from chaosmem.plan.pods import Candidate, Selection, level_bytes, select
from chaosmem.spec.faults import MemoryFault
from chaosmem.spec.model import Experiment

MIB = 2**20


def _pod(name: str, limit: int | None = 256 * MIB) -> PlannedPod:
    return PlannedPod(
        namespace="shop",
        name=name,
        uid=f"uid-{name}",
        node="n1",
        container="cart",
        container_id="c1",
        port=8080,
        limit=limit,
    )


PODS = [Candidate(_pod(f"cart-{c}")) for c in "abcdefghij"]


def _select(candidates: list[Candidate], **changes: Any) -> Selection:
    kubernetes = {"namespace": "shop", "selector": {"app": "cart"}} | changes.pop("kubernetes", {})
    sections = {
        "metadata": {"name": "x"},
        "target": {"kubernetes": kubernetes},
        "faults": [{"kind": "memory", "via": "helper", "level": 0.8}],
        "limits": {"pods": 100},
    }
    return select(Experiment.model_validate(sections | changes), candidates)


def _names(selection: Selection) -> list[str]:
    return [t.name.removeprefix("shop/cart-") for t in selection.targets]


@pytest.mark.parametrize(
    ("mode", "value", "count"),
    [("one", None, 1), ("all", None, 10), ("fixed", 3, 3), ("percent", 25, 2), ("percent", 1, 1)],
    ids=["one", "all", "fixed", "percent-rounds-down", "percent-at-least-one"],
)
def test_mode_says_how_many(mode: str, value: int | None, count: int) -> None:
    found = _select(PODS, kubernetes={"mode": mode, "value": value})
    assert (len(found.targets), found.refusals) == (count, ())


def test_the_choice_is_the_seeds_and_not_the_orders() -> None:
    by_seed = [_names(_select(PODS, seed=seed)) for seed in range(8)]
    backwards = [_names(_select(PODS[::-1], seed=seed)) for seed in range(8)]
    assert by_seed == backwards
    assert len({tuple(names) for names in by_seed}) > 1


def test_a_pod_that_comes_moves_no_other_pods_place() -> None:
    three = {"mode": "fixed", "value": 3}
    before = _names(_select(PODS[:9], kubernetes=three))
    after = _names(_select(PODS, kubernetes=three))
    assert len(set(before) - set(after)) <= 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"limits": {"share": 0.05}}, "1 of 10 pods are 10%, over limits.share = 5%"),
        ({"limits": {"namespaces": ["other"]}}, "namespace shop is not in limits.namespaces"),
        (
            {"kubernetes": {"mode": "fixed", "value": 11}, "limits": {"pods": 20}},
            "11 pods were asked for, and 10 can be acted on",
        ),
    ],
    ids=["share", "namespace", "too-few"],
)
def test_outside_the_blast_radius_it_is_refused(changes: dict[str, Any], says: str) -> None:
    assert says in _select(PODS, **changes).refusals


def test_unfit_pods_are_left_out_and_named() -> None:
    pods = [Candidate(_pod("cart-a"), "it is not ready"), Candidate(_pod("cart-b"))]
    found = _select(pods, kubernetes={"mode": "all"})
    assert _names(found) == ["b"]
    assert found.notes == ("cart-a is left out: it is not ready",)
    none = _select(pods[:1])
    assert none.refusals == ("none of 1 pods can be acted on (cart-a: it is not ready)",)
    assert _select([]).refusals == ("no pod in namespace shop has the labels app=cart",)


def test_a_level_needs_a_limit_and_room_below_it() -> None:
    unlimited = _select([Candidate(_pod("cart-a", None))]).refusals
    assert "no memory limit" in unlimited[0]
    press = [{"kind": "memory", "via": "helper", "level": "300MiB", "of": "absolute"}]
    assert "ends in an OOM kill" in _select(PODS, faults=press).refusals[0]
    meant = [press[0] | {"oom": "expected"}]
    assert _select(PODS, faults=meant).refusals == ()


def test_a_share_is_of_the_containers_limit() -> None:
    fault = MemoryFault.model_validate({"via": "helper", "level": 0.8})
    assert level_bytes(fault, 256 * MIB) == round(0.8 * 256 * MIB)
