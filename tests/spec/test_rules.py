"""Claims about combinations: each impossible one is refused with its own words, at its place."""

from __future__ import annotations

import pytest

from chaosmem.spec import rules
from tests.spec.build import Case, loaded, said, table, written

GROUPS = ("environment", "acts", "timing", "evidence", "prometheus")
ALL = {f"{group}-{name}": case for group in GROUPS for name, case in table(group).items()}


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_an_odd_combination_has_its_own_message(case: Case) -> None:
    assert said(written(**case.changes)) == list(case.says)


def test_the_spec_that_the_cases_change_has_no_problem_itself() -> None:
    assert loaded(written()).metadata.name == "x"


def test_every_rule_speaks_in_some_case() -> None:
    spoken: set[str] = set()
    for case in ALL.values():
        spoken |= _speaking(written(**case.changes))
    assert {rule.__name__ for rule in rules.RULES} - spoken == set()


def _speaking(text: str) -> set[str]:
    from chaosmem.spec import nodes, presets, sections

    document = nodes.read(text, file="f")
    presets.fill_in(document)
    draft = rules.Draft.of(*sections.parse(document))
    return {rule.__name__ for rule in rules.RULES if list(rule(draft))}
