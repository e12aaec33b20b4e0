"""A cluster that is taken down leaves nothing, in whatever state it was and whoever was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import components, lifecycle, packages
from tests.cluster.api import Cluster, wait_for
from tests.cluster.fixtures import remove_orphans
from tests.cluster.instance import Instance
from tests.cluster.machine import Machine, look
from tests.cluster.workloads import run_demo

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

_BOOT_SECONDS = 30  # what a boot may take once everything is built
_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def doomed() -> Iterator[Cluster]:
    """A cluster that is not there yet."""
    remove_orphans()
    own = Cluster(f"doomed-{os.getpid()}")
    yield own
    own.down()


@pytest.fixture
def before(doomed: Cluster) -> Machine:
    """The machine without that cluster, and with all packages: nobody installs any meanwhile."""
    packages.require({**packages.NODE, **packages.EMULATOR})
    return look(doomed.instance)


def test_a_cluster_with_pods_boots_in_time_and_leaves_nothing(
    doomed: Cluster, before: Machine
) -> None:
    began = time.monotonic()
    doomed.up()
    assert time.monotonic() - began < _BOOT_SECONDS
    doomed.images("demo")
    run_demo(doomed, "default")
    assert look(doomed.instance) != before
    doomed.down()
    assert lifecycle.remains(doomed.instance) == []
    assert look(doomed.instance) == before


def test_pods_whose_every_component_was_killed_are_found(doomed: Cluster, before: Machine) -> None:
    doomed.up()
    doomed.images("demo")
    run_demo(doomed, "default")
    for component in components.COMPONENTS:
        doomed.kill(component)
    left = [line for line in lifecycle.remains(doomed.instance) if line.startswith("process")]
    assert len(left) >= 6  # of two pods: shim, pause and demo each
    doomed.down()
    assert lifecycle.remains(doomed.instance) == []
    assert look(doomed.instance) == before


_MOMENTS: dict[str, Callable[[Instance], bool]] = {
    "has its directory": lambda i: i.state.exists(),
    "has its namespaces": lambda i: i.mount_ns.exists(),
    "has its link": lambda i: Path("/sys/class/net", i.link).exists(),
    "starts etcd": lambda i: components.running(i, "etcd"),
    "starts containerd": lambda i: i.containerd_socket.exists(),
    "starts the API server": lambda i: components.running(i, "kube-apiserver"),
    "starts kubelet": lambda i: components.running(i, "kubelet"),
}


@pytest.mark.parametrize("moment", _MOMENTS)
def test_a_boot_that_is_killed_leaves_nothing_when_it(
    doomed: Cluster, before: Machine, moment: str
) -> None:
    _boot_and_kill(doomed.instance, _MOMENTS[moment])
    doomed.down()
    assert lifecycle.remains(doomed.instance) == []
    assert look(doomed.instance) == before


def test_a_boot_that_was_killed_does_not_hinder_the_next(doomed: Cluster) -> None:
    _boot_and_kill(doomed.instance, _MOMENTS["starts the API server"])
    assert doomed.up()
    assert doomed.get("nodes")["items"]
    assert not doomed.up()  # it is there already


def test_the_cluster_of_a_session_that_was_killed_goes_with_the_next() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    orphan = Instance(f"doomed-{ended.pid}")
    _boot_and_kill(orphan, _MOMENTS["starts etcd"])
    remove_orphans()
    assert lifecycle.remains(orphan) == []


def test_what_is_not_there_can_be_taken_down(doomed: Cluster, before: Machine) -> None:
    doomed.down()
    doomed.down()
    assert look(doomed.instance) == before


def _boot_and_kill(instance: Instance, moment: Callable[[Instance], bool]) -> None:
    argv = [sys.executable, "-m", "tests.cluster", "up", "--name", instance.name]
    with subprocess.Popen(argv, cwd=_ROOT, stderr=subprocess.DEVNULL) as starter:
        wait_for(lambda: moment(instance), 60, "the moment to kill")
        starter.send_signal(signal.SIGKILL)
    assert starter.returncode == -signal.SIGKILL
