"""What happened to a pod is told from two sights of it, whatever was missed in between."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from chaosmem.drivers.kube.changes import What, compare
from chaosmem.drivers.kube.pods import pod_of
from tests.drivers.kube.pod import OOM, POD, body, container

RUNNING_AGAIN = {"running": {"startedAt": "2026-11-25T05:01:01Z"}}
NOT_READY = [{"type": "Ready", "status": "False"}]
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}


@pytest.mark.parametrize(
    ("after", "found"),
    [
        pytest.param(POD, [], id="nothing"),
        pytest.param(body(conditions=NOT_READY), [What.READY_LOST], id="not-ready"),
        pytest.param(
            container(state={"terminated": OOM}), [What.OOM_KILLED], id="oom-killed-and-not-back"
        ),
        pytest.param(
            container(
                restartCount=1,
                containerID="containerd://c2",
                state=RUNNING_AGAIN,
                lastState={"terminated": OOM},
            ),
            [What.OOM_KILLED, What.RESTARTED],
            id="oom-killed-and-back-in-one-step",
        ),
        pytest.param(
            container(state={"terminated": OOM | {"reason": "Completed", "exitCode": 0}}),
            [What.ENDED],
            id="ended",
        ),
        pytest.param(
            container(containerID="containerd://c2"), [What.RESTARTED], id="kubelet-lost-count"
        ),
        pytest.param(
            body(phase="Failed", reason="Evicted", message="low on memory"),
            [What.EVICTED],
            id="evicted",
        ),
        pytest.param(
            body(phase="Succeeded", conditions=[*POD["status"]["conditions"], DISRUPTED]),
            [What.EVICTED],
            id="evicted-and-exited-0",
        ),
        pytest.param(body(reason="NodeLost"), [What.NODE_GONE], id="node-lost"),
    ],
)
def test_a_change_is_told(after: dict[str, Any], found: list[What]) -> None:
    assert [c.what for c in compare(pod_of(POD), pod_of(after))] == found


def test_a_change_is_told_once() -> None:
    after = pod_of(container(state={"terminated": OOM}))
    later = pod_of(container(restartCount=1, state=RUNNING_AGAIN, lastState={"terminated": OOM}))
    assert [c.what for c in compare(after, later)] == [What.RESTARTED]


def test_a_pod_of_the_same_name_is_another_pod() -> None:
    other = copy.deepcopy(POD)
    other["metadata"]["uid"] = "u2"
    (change,) = compare(pod_of(POD), pod_of(other))
    assert change.what is What.REPLACED
    assert change.ends_the_pod


def test_a_pod_that_is_gone_was_deleted() -> None:
    (change,) = compare(pod_of(POD), None)
    assert change.what is What.DELETED
    assert change.pod is not None
    assert change.pod.uid == "u1"


def test_the_first_sight_of_a_pod_is_no_change() -> None:
    assert compare(None, pod_of(POD)) == ()


def test_a_deletion_is_told_when_it_is_asked_for() -> None:
    dying = copy.deepcopy(POD)
    dying["metadata"]["deletionTimestamp"] = "2026-11-25T05:02:00Z"
    (change,) = compare(pod_of(POD), pod_of(dying))
    assert change.what is What.DELETING
    assert not change.ends_the_pod
