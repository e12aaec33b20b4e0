"""The experiments that come with chaosmem, on a real cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chaosmem.errors import Exit
from tests.cluster_run.shop import SHOP, Shop

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
EXPERIMENTS = sorted(p for p in SHOP.parent.glob("*.yaml") if p != SHOP)


def _here(shop: Shop, experiment: Path) -> Path:
    """The same experiment, in the namespaces and with the image of the test."""
    spec: dict[str, Any] = yaml.safe_load(experiment.read_text())
    spec["target"]["kubernetes"] |= {
        "namespace": shop.namespace,
        "controlNamespace": shop.control,
        "helper": {"image": "chaosmem/helper:test", "pullPolicy": "Never"},
    }
    spec["limits"]["namespaces"] = [shop.namespace]
    written = shop.base / experiment.name
    written.write_text(yaml.safe_dump(spec))
    return written


def test_each_can_be_planned(shop: Shop) -> None:
    assert len(EXPERIMENTS) == 5
    planned = {e.name: shop.chaosmem("plan", _here(shop, e)) for e in EXPERIMENTS}
    refused = {n: p.stdout + p.stderr for n, p in planned.items() if p.code != Exit.PASS}
    assert refused == {}
    shop.clean()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["goroutine-surge", "memory-80"])
def test_it_runs_to_its_end_and_passes(shop: Shop, name: str) -> None:
    ran = shop.run(_here(shop, SHOP.with_name(f"{name}.yaml")), timeout=240)
    assert ran.code == Exit.PASS, ran.stdout + ran.stderr
    shop.clean()
