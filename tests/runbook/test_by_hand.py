"""A run is killed, and nothing but the runbook's kubectl commands is used: nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from chaosmem.errors import Exit
from tests.chaosmesh.standin import StandIn
from tests.cluster.api import Access, wait_for
from tests.cluster_run.shop import QUICK, Shop, holding, settled, wait_event
from tests.runbook.papers import code, section

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
BY_HAND = "By hand, with kubectl alone"
FAULTS = [
    {"memory": {"via": "helper", "level": "80%", "ramp": "1500ms"}},
    {"goroutines": {"count": 300}},
    {"load": {"rate": "20/s", "mix": [{"path": "/healthz"}], "origin": "cluster"}},
]
ARMS = [{"name": "tight", "gogc": 50, "godebug": {"madvdontneed": "0"}}]


@pytest.fixture
def path(cluster: Access, tmp_path: Path) -> str:
    """A PATH that has kubectl, grep and what the shell needs, and no chaosmem."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    words = " ".join(f"'{w}'" for w in cluster.kubectl_argv())
    (bin_ / "kubectl").write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    (bin_ / "kubectl").chmod(0o755)
    return f"{bin_}:/usr/bin:/bin"


def _sh(script: str, path: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": path, "HOME": os.environ.get("HOME", "/")}
    command = ["sh", "-e", "-c", script]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=400, check=False
    )


def _killed(shop: Shop, spec: Path) -> str:
    """Start the run, kill it while its faults act; its id."""
    started = shop.start(spec)
    wait_event(shop, holding, 300)
    started.kill()
    started.communicate()
    newest = shop.newest()
    assert newest is not None
    return newest.name


def _by_hand(paper: str, path: str, run_id: str) -> subprocess.CompletedProcess[str]:
    """What a person does: finds the run, puts its id in, and executes in order, then looks."""
    find, undo, look, _last = code(section(paper, BY_HAND))
    found = _sh(find, path)
    assert run_id in found.stdout, found.stdout + found.stderr
    filled = undo.replace("RUN=the-id-in-the-first-column", f"RUN={run_id}")
    assert f"RUN={run_id}\n" in filled
    assert all(line.startswith(("kubectl ", "RUN=")) for line in filled.splitlines())
    done = _sh(filled, path)
    assert done.returncode == 0, done.stdout + done.stderr
    again = _sh(filled, path)
    assert again.returncode == 0, again.stdout + again.stderr
    return _sh(f"RUN={run_id}\n{look}", path)


def test_the_runbooks_kubectl_commands_alone_undo_a_killed_run(shop: Shop, path: str) -> None:
    before = shop.template()
    spec = shop.spec(faults=FAULTS, arms=ARMS, phases=QUICK | {"hold": "300s"})
    paper = shop.chaosmem("runbook", spec)
    assert paper.code == Exit.PASS, paper.stderr
    run_id = _killed(shop, spec)
    left = " ".join(shop.left())
    for kind in ("Pod", "Secret", "ConfigMap", "Lease"):
        assert kind in left
    assert shop.template() != before
    looked = _by_hand(paper.stdout, path, run_id)
    assert "No resources found" in looked.stderr
    assert shop.template() == before
    assert looked.stdout.endswith(": 0\n"), looked.stdout + looked.stderr
    wait_for(lambda: len(shop.pods()) == 2, 180, "the replaced pods are gone")
    settled(shop, 90)
    shop.clean()


def test_the_look_sees_an_agents_goroutines_and_their_end(shop: Shop, path: str) -> None:
    spec = shop.spec(faults=[{"goroutines": {"count": 300}}], phases=QUICK | {"hold": "200s"})
    paper = shop.chaosmem("runbook", spec).stdout
    started = shop.start(spec)
    wait_event(shop, holding, 300)
    *_, look, _last = code(section(paper, BY_HAND))
    during = _sh(f"RUN=x\n{look}", path)
    assert ": 300\n" in during.stdout, during.stdout + during.stderr
    started.send_signal(signal.SIGINT)
    assert shop.finish(started, timeout=300).code == Exit.ABORTED
    after = _sh(f"RUN=x\n{look}", path)
    assert [line.partition(": ")[2] for line in after.stdout.splitlines()] == ["0", "0"]
    shop.clean()


def test_the_handover_of_a_killed_run_undoes_it_by_its_own_names(shop: Shop, path: str) -> None:
    before = shop.template()
    spec = shop.spec(faults=FAULTS[:2], arms=ARMS, phases=QUICK | {"hold": "300s"})
    run_id = _killed(shop, spec)
    paper = shop.chaosmem("handover", run_id, "--runs-dir", shop.runs)
    assert paper.code == Exit.PASS, paper.stderr
    assert f"RUN={run_id}\n" in paper.stdout
    assert "Not undone" in paper.stdout
    _by_hand(paper.stdout, path, run_id)
    assert shop.template() == before
    settled(shop, 90)
    shop.clean()


@pytest.mark.slow
@pytest.mark.timeout(1800)  # the first one builds the controller
def test_a_stress_of_chaos_mesh_goes_by_the_runbooks_commands(
    meshed: Shop, mesh: StandIn, path: str
) -> None:
    press = {"memory": {"via": "chaos-mesh", "level": "70%", "ramp": "1s"}}
    spec = meshed.spec(faults=[press], checks=["stress-effect"], phases=QUICK | {"hold": "300s"})
    paper = meshed.chaosmem("runbook", spec)
    assert paper.code == Exit.PASS, paper.stderr
    run_id = _killed(meshed, spec)
    assert _stresses(meshed)
    looked = _by_hand(paper.stdout, path, run_id)
    assert "No resources found" in looked.stderr
    assert not _stresses(meshed)
    settled(meshed, 90)
    meshed.clean()


def _stresses(shop: Shop) -> list[str]:
    return shop.cluster.kubectl("get", "stresschaos", "-n", shop.namespace, "-o", "name").split()
