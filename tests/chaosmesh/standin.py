"""Chaos Mesh for tests: its real resource and real controller, and a stand-in of its daemon.

Controller, webhook rules and resource come from Chaos Mesh's own Go module (controller/go.mod pins
it). The stand-in is the daemon with its stressor: no registry serves memStress and nsexec, and a
daemon has to be able to fail on demand. It acts for real: a process in the container's cgroup.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from chaosmem.drivers import gotool
from tests.cluster import build
from tests.cluster.shell import run

HERE = Path(__file__).resolve().parent
MODULE = HERE / "controller"
STRESSOR = HERE / "stressor"
_DOWNLOAD_SECONDS = 600
_START_SECONDS = 30

Misbehaviour = Literal["nothing", "apply-fails", "cancel-fails"]
"""Say that it injected and do nothing; refuse to inject; refuse to end the stressor."""


def program() -> Path:
    """The controller, built once; about 3 minutes where nothing is cached."""
    return build.once("chaosmesh-controller", MODULE)


def resource_definition() -> Path:
    """The file with Chaos Mesh's definition of StressChaos, in the module cache."""
    go = str(gotool.find().program)
    path = "github.com/chaos-mesh/chaos-mesh"
    said = run([go, "mod", "download", "-json", path], cwd=MODULE, timeout=_DOWNLOAD_SECONDS)
    bases = Path(json.loads(said)["Dir"]) / "config" / "crd" / "bases"
    return bases / "chaos-mesh.org_stresschaos.yaml"


def webhook(body: Mapping[str, Any]) -> str:
    """What Chaos Mesh's own webhook rules object to; empty: nothing."""
    done = subprocess.run(
        [program(), "validate"],
        input=json.dumps(body),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stderr.strip() if done.returncode else ""


class StandIn:
    """The real controller for one namespace, beside the stand-in of the daemon."""

    def __init__(self, kubeconfig: Path, namespace: str, directory: Path) -> None:
        self._behaviour = directory / "behaviour"
        self._log = directory / "controller.log"
        self._environment = {
            "KUBECONFIG": str(kubeconfig),
            "CLUSTER_SCOPED": "false",
            "TARGET_NAMESPACE": namespace,
            "NAMESPACE": namespace,
            "ENABLE_LEADER_ELECTION": "false",
            "METRICS_HOST": "127.0.0.1",
            "METRICS_PORT": "0",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.behave()

    def behave(self, *words: Misbehaviour) -> None:
        """From now on misbehave like that; without words: behave."""
        half = self._behaviour.with_suffix(".new")
        half.write_text(" ".join(words))
        half.replace(self._behaviour)

    def start(self) -> None:
        """Start it; it looks at every object that there is."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "run", self._behaviour, build.once("memStress", STRESSOR)],
                stdout=log,
                stderr=log,
                env=os.environ | self._environment,
            )
        deadline = time.monotonic() + _START_SECONDS
        while "Starting workers" not in self.log():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL it: nothing is recovered, and its stressors die with it, as the real ones do."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._log.unlink()
            self._process = None

    def log(self) -> str:
        """What the controller has said since it was started."""
        return self._log.read_text() if self._log.exists() else ""
