"""Claims about blast radius: what may run beside what, and how much at one time."""

from __future__ import annotations

import pytest

from chaosmem.campaign import radius
from chaosmem.campaign.model import Cell
from chaosmem.campaign.schedule import interleaved, startable, width
from chaosmem.spec.model import Experiment, Limits, Metadata
from chaosmem.spec.target import EndpointTarget, KubernetesTarget, ProcessTarget, Target


def acting_on(
    process: ProcessTarget | None = None,
    endpoint: EndpointTarget | None = None,
    kubernetes: KubernetesTarget | None = None,
    pods: int = 1,
) -> Experiment:
    return Experiment(
        metadata=Metadata(name="x"),
        target=Target(process=process, endpoint=endpoint, kubernetes=kubernetes),
        faults=(),
        limits=Limits(pods=pods),
    )


def process(port: int | None = None) -> Experiment:
    return acting_on(process=ProcessTarget(command=("./app",), port=port or "auto"))


def endpoint(url: str, pid: int | None = None) -> Experiment:
    return acting_on(endpoint=EndpointTarget(url=url, pid=pid))


def pods(namespace: str = "shop", context: str | None = None, **selector: str) -> Experiment:
    return acting_on(
        kubernetes=KubernetesTarget(namespace=namespace, selector=selector, context=context)
    )


ALONE = {
    "the same address": (endpoint("http://cart:80"), endpoint("http://cart/")),
    "one machine by two names": (
        endpoint("http://localhost:8080"),
        endpoint("http://127.0.0.1:8080"),
    ),
    "one process at two addresses": (endpoint("http://a:1", pid=7), endpoint("http://b:1", pid=7)),
    "a fixed port and its address": (process(8080), endpoint("http://127.0.0.1:8080")),
    "two processes on one port": (process(8080), process(8080)),
    "the same pods": (pods(app="cart"), pods(app="cart")),
    "one selector within another": (pods(app="cart"), pods(app="cart", tier="web")),
    "selectors without a common label": (pods(app="cart"), pods(tier="web")),
    "two contexts, which may be one cluster": (
        pods(app="cart", context="a"),
        pods(app="cart", context="b"),
    ),
    "two pods of one StatefulSet": (
        pods(app="db", **{"apps.kubernetes.io/pod-index": "0"}),
        pods(app="db", **{"apps.kubernetes.io/pod-index": "1"}),
    ),
}
BESIDE = {
    "processes on free ports": (process(), process()),
    "two addresses": (endpoint("http://cart:80"), endpoint("http://checkout:80")),
    "two ports": (endpoint("http://cart:80"), endpoint("http://cart:81")),
    "a label tells them apart": (pods(app="cart"), pods(app="checkout")),
    "two namespaces": (pods(app="cart"), pods("other", app="cart")),
}


@pytest.mark.parametrize("both", ALONE.values(), ids=ALONE)
def test_what_may_be_one_target_shares_a_lock(both: tuple[Experiment, Experiment]) -> None:
    one, other = radius.locks(both)
    assert one == other != ""


@pytest.mark.parametrize("both", BESIDE.values(), ids=BESIDE)
def test_what_is_surely_apart_has_no_lock(both: tuple[Experiment, Experiment]) -> None:
    assert radius.locks(both) == ("", "")


def test_meeting_is_passed_on() -> None:
    """The first and the third meet only by the second, which may be either's pods."""
    first, second, third = pods(app="cart"), pods(tier="web"), pods(app="checkout")
    assert len({*radius.locks([first, second, third])}) == 1
    assert radius.locks([first, third]) == ("", "")


def test_the_weight_is_what_a_plan_allows_at_most() -> None:
    def kubernetes(mode: str, value: int | None = None, limit: int = 1) -> int:
        target = KubernetesTarget(
            namespace="n",
            selector={"a": "b"},
            mode=mode,
            value=value,
        )
        return radius.weight(acting_on(kubernetes=target, pods=limit))

    assert radius.weight(process()) == 1
    assert kubernetes("one", limit=9) == 1
    assert kubernetes("fixed", 3, limit=9) == 3
    assert kubernetes("all", limit=9) == 9
    assert kubernetes("percent", 50, limit=9) == 9


def cell(index: int, lock: str = "", weight: int = 1) -> Cell:
    return Cell(
        index=index, name=f"c{index}", axes={}, experiment="x", lock=lock, weight=weight,
        seconds=1.0, base=".",
    )  # fmt: skip


FREE, HEAVY = cell(1), cell(2, weight=3)
CART_A, CART_B = cell(3, "cart"), cell(4, "cart")
CHOICES = {
    "the first in order": ([FREE, CART_A], [], 2, 9, FREE),
    "not beside the same lock": ([CART_B, FREE], [CART_A], 2, 9, FREE),
    "nothing, where only the same lock waits": ([CART_B], [CART_A], 9, 9, None),
    "nothing over the parallelism": ([FREE], [CART_A], 1, 9, None),
    "nothing over the targets": ([HEAVY], [FREE], 9, 3, None),
    "a lighter one before one that is too heavy now": ([HEAVY, CART_A], [FREE], 9, 3, CART_A),
    "as many targets as there are": ([HEAVY], [], 1, 3, HEAVY),
    "nothing waits": ([], [], 1, 1, None),
}  # fmt: skip


@pytest.mark.parametrize(
    ("waiting", "running", "parallelism", "targets", "chosen"), CHOICES.values(), ids=CHOICES
)
def test_what_may_be_begun_now(
    waiting: list[Cell], running: list[Cell], parallelism: int, targets: int, chosen: Cell | None
) -> None:
    assert startable(waiting, running, parallelism=parallelism, targets=targets) is chosen


def test_a_job_is_no_wider_than_its_heaviest_cells_allow() -> None:
    assert width([FREE, HEAVY, CART_A], parallelism=9, targets=7) == 2
    assert width([FREE, CART_A], parallelism=9, targets=7) == 2
    assert width([HEAVY] * 9, parallelism=2, targets=30) == 2


def test_a_job_begins_cells_of_one_lock_far_apart() -> None:
    order = [cell(0, "a"), cell(1, "a"), cell(2, "a"), cell(3, "b"), cell(4, "b"), cell(5)]
    assert [c.index for c in interleaved(order)] == [0, 3, 5, 1, 4, 2]
