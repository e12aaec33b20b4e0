"""`plan` and `run --dry-run` ask the cluster, by its own dry runs, whether it lets a run be."""

from __future__ import annotations

import pytest

from chaosmem.errors import Exit
from tests.cluster_run.shop import Shop

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def test_a_plan_tells_what_the_cluster_says_and_changes_nothing(shop: Shop) -> None:
    said = shop.chaosmem("plan", shop.spec())
    assert said.code == Exit.PASS, said.stderr
    assert "control namespace, by dry runs" in said.stdout
    assert "dry run: Pod (helper): accepted" in said.stdout
    assert "PROBLEM" not in said.stdout
    assert shop.left() == []


def test_a_dry_run_that_the_cluster_would_refuse_is_not_passed(shop: Shop) -> None:
    shop.cluster.make_namespace(shop.control, level="restricted")
    said = shop.chaosmem("run", shop.spec(), "--runs-dir", shop.runs, "--dry-run")
    assert said.code == Exit.INCONCLUSIVE, said.stdout
    assert "PROBLEM  dry run: Pod (helper)" in said.stdout
    assert "PodSecurity" in said.stdout
    assert "dry run: nothing was touched" in said.stdout
    assert shop.left() == []
    assert not shop.runs.exists()
