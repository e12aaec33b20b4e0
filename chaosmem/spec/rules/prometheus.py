"""Rules about PromQL: there must be a Prometheus, time for its answers, and known variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from chaosmem import units
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import Alert, PromQl
from chaosmem.spec.model import PromQlGuard
from chaosmem.spec.rules.draft import Complaint, Draft, Rule, of_kind

BUILT_IN: Final = ("namespace", "pod", "target", "window")
VARIABLE: Final = re.compile(r"\$([a-z_]+)")
"""A variable of a query: lower case and `_`."""


def prometheus_is_there(draft: Draft) -> Iterator[Complaint]:
    """A query needs somebody to ask."""
    if draft.prometheus is not None or "prometheus" not in draft.whole:
        return
    message = "who is asked? add prometheus: {url: 'http://HOST:9090'}"
    for kind in (PromQl, Alert):
        for i, check in of_kind(draft.checks, kind):
            yield Complaint(("checks", i, str(getattr(check, "kind", ""))), message)
    for i, guard in of_kind(draft.guards, PromQlGuard):
        yield Complaint(("guards", i, guard.kind), message)


def variables_are_known(draft: Draft) -> Iterator[Complaint]:
    """A variable that nobody fills in makes a query that finds nothing."""
    if "prometheus" not in draft.whole:
        return
    known = (*BUILT_IN, *(draft.prometheus.variables if draft.prometheus else ()))
    for section, entries in (
        ("checks", of_kind(draft.checks, PromQl)),
        ("guards", of_kind(draft.guards, PromQlGuard)),
    ):
        for i, entry in entries:
            for name in sorted(set(VARIABLE.findall(entry.query)) - set(known)):
                message = f"${name} is not known; known: {', '.join('$' + n for n in known)}"
                yield Complaint((section, i, entry.kind, "query"), message)


def query_has_time(draft: Draft) -> Iterator[Complaint]:
    """Phases that do not take place have no samples."""
    if draft.phases is None:
        return
    for i, check in of_kind(draft.checks, PromQl):
        if not draft.length(check.during):
            names = ", ".join(check.during)
            message = f"{names} has no length here; ask about a phase that takes place"
            yield Complaint(("checks", i, check.kind, "during"), message)


def alert_has_time(draft: Draft) -> Iterator[Complaint]:
    """The alert must be given the time in which it is to resolve."""
    if draft.phases is None:
        return
    has = draft.length([Phase.RELEASE, Phase.RECOVER])
    for i, check in of_kind(draft.checks, Alert):
        if check.resolves_within > has:
            message = (
                f"{units.format_duration(check.resolves_within)} is longer than release and"
                f" recover, {units.format_duration(has)}; write less, or a longer phases.recover"
            )
            yield Complaint(("checks", i, check.kind, "resolvesWithin"), message)


RULES: tuple[Rule, ...] = (
    prometheus_is_there,
    variables_are_known,
    query_has_time,
    alert_has_time,
)
