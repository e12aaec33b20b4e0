"""What is imported beside a run never meets what the run imports itself."""

from __future__ import annotations

from chaosmem.errors import Exit
from tests.importing import beside_others, told
from tests.run.harness import Lab


def test_while_reports_are_rehearsed_and_trials_judged_the_run_itself_imports_nothing(
    lab: Lab,
) -> None:
    log = lab.base / "imports"
    lab.env = told(lab.env, log)
    ran = lab.run(lab.spec(trials=2))
    assert ran.code == Exit.PASS, ran.stdout
    assert beside_others(log) == []
