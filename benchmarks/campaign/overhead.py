"""What a campaign costs beyond its experiments: `python -m benchmarks.campaign.overhead [CELLS]`.

Overhead an experiment = (wall time of the campaign - cells x phases / parallelism) / cells, in
seconds of wall time. It holds everything that is not a phase: the runner, the start of the cell's
process, the target's own start and stop, verdict and report. `chaosmem run` of the same experiment
by itself is measured beside it, so that the part of the campaign alone can be told from it. CPU
seconds (user and system, children included) are told too: they hold on a busy machine as well.

With a cluster: `... CELLS --cluster NAME` runs them as one Indexed Job in a test cluster.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.run.common import CHAOSMEM, ROOT, build, spread

PHASES = {"baseline": "300ms", "inject": "200ms", "hold": "300ms", "recover": "200ms"}
SECONDS = 1.0
ALONE = 7
"""Runs by themselves, for comparison."""


def experiment(program: str) -> dict[str, Any]:
    """An experiment of one second."""
    target = {
        "command": [program],
        "args": ["-addr", "127.0.0.1:{port}"],
        "ready": {"http": "/healthz"},
    }
    return {
        "apiVersion": "chaosmem/v1",
        "kind": "Experiment",
        "metadata": {"name": "bench"},
        "target": {"process": target},
        "phases": PHASES,
        "faults": [{"goroutines": {"count": 50}}],
        "checks": ["no-restart", "no-oom"],
    }


def campaign(cells: int, parallel: int, **sections: Any) -> dict[str, Any]:
    """So many cells of it."""
    counts = {"name": "n", "path": "faults.goroutines.count", "values": list(range(1, cells + 1))}
    head = {"apiVersion": "chaosmem/v1", "kind": "Campaign", "metadata": {"name": "bench"}}
    own = {"parallelism": parallel, "limits": {"targets": parallel, "cells": cells}}
    return head | {"experiments": "bench.yaml", "variables": [counts]} | own | sections


def wall(words: list[str | Path]) -> float:
    """Wall seconds of a command; on a busy machine a verdict may be inconclusive (3), no more."""
    begin = time.monotonic()
    done = subprocess.run([*CHAOSMEM, *map(str, words)], capture_output=True, check=False)
    assert done.returncode in (0, 3), done.stderr.decode()
    return time.monotonic() - begin


def cpu() -> float:
    """CPU seconds of all children that have ended, so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def locally(base: Path, cells: int, parallel: int) -> tuple[float, float]:
    """Seconds of overhead, and of CPU, an experiment."""
    (base / "campaign.yml").write_text(json.dumps(campaign(cells, parallel)))
    words = ["campaign", "run", base / "campaign.yml", "--runs-dir", base / f"runs-{parallel}"]
    before = cpu()
    took = wall(words)
    return (took - cells * SECONDS / parallel) / cells, (cpu() - before) / cells


def alone(base: Path) -> list[float]:
    """Seconds that `chaosmem run` takes beyond the phases, by itself."""
    words = ["run", base / "bench.yaml", "--runs-dir", base / "alone", "--progress", "plain"]
    return [wall(words) - SECONDS for _ in range(ALONE)]


def as_job(cells: int, parallel: int, name: str) -> None:
    """The same as a Job; its pods' program is on the volume."""
    import contextlib  # noqa: PLC0415 - only where a cluster is asked for

    from tests.campaign import test_cluster  # noqa: PLC0415
    from tests.cluster.api import Cluster  # noqa: PLC0415
    from tests.cluster.images import catalogue  # noqa: PLC0415
    from tests.image import build as images  # noqa: PLC0415

    cluster, namespace = Cluster(name), f"bench-{os.getpid()}"
    cluster.up()
    catalogue.bring_archive(cluster.instance, images.RUNNER, images.runner().archive)
    with (
        tempfile.TemporaryDirectory(prefix="chaosmem-bench-") as directory,
        contextlib.ExitStack() as s,
    ):
        base = Path(directory)
        volume = base / "volume"
        volume.mkdir()
        program = build(ROOT / "tests" / "corpus", "./healthy")
        (volume / "healthy").write_bytes(program.read_bytes())
        for path in (base, volume, volume / "healthy"):
            path.chmod(0o777)
        cluster.make_namespace(namespace, level="restricted")
        s.callback(cluster.kubectl, "delete", "pv", namespace, "--wait=false")
        s.callback(cluster.drop_namespace, namespace)
        cluster.apply(*test_cluster.objects_of(namespace, volume), namespace=namespace)
        (base / "bench.yaml").write_text(json.dumps(experiment("/runs/healthy")))
        wanted = {
            "namespace": namespace,
            "image": images.RUNNER,
            "pullPolicy": "Never",
            "resources": {"cpu": "50m", "memory": "384Mi"},
        }
        made = campaign(cells, parallel, cluster=wanted)
        (base / "campaign.yml").write_text(json.dumps(made))
        words = ["campaign", "run", base / "campaign.yml", "--on", "cluster"]
        words += ["--runs-dir", base / "runs"]
        begin = time.monotonic()
        subprocess.run(
            [*CHAOSMEM, *map(str, words)],
            check=True,
            env=os.environ | {"KUBECONFIG": str(cluster.kubeconfig)},
            stdout=subprocess.DEVNULL,
        )
        took = time.monotonic() - begin
    over = (took - cells * SECONDS / parallel) / cells
    print(
        f"as a Job, {cells} cells, {parallel} pods at one time: {over * 1e3:.0f} ms an experiment"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", type=int, nargs="?", default=100)
    parser.add_argument("--parallel", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--cluster", default="", help="a test cluster, by its name")
    args = parser.parse_args()
    if args.cluster:
        as_job(args.cells, args.parallel[-1], args.cluster)
        return
    binary = build(ROOT / "tests" / "corpus", "./healthy")
    with tempfile.TemporaryDirectory(prefix="chaosmem-bench-") as directory:
        base = Path(directory)
        (base / "bench.yaml").write_text(json.dumps(experiment(str(binary))))
        before = cpu()
        over_alone = alone(base)
        used = (cpu() - before) / ALONE
        print(f"`chaosmem run` by itself, beyond its phases: {spread(over_alone)}", end="")
        print(f"; {used:.2f} CPU s", flush=True)
        for parallel in args.parallel:
            over, used = locally(base, args.cells, parallel)
            words = f"{args.cells} cells, {parallel} at one time: {over * 1e3:.0f} ms an experiment"
            print(f"{words} beyond phases / {parallel}; {used:.2f} CPU s each", flush=True)


if __name__ == "__main__":
    main()
