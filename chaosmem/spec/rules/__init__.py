"""Rules across sections: what is impossible, known to hang, or would measure nothing.

Each rule is a pure function of a `Draft`, has one idea and one message; its module lists it.
"""

from __future__ import annotations

from collections.abc import Iterator

from chaosmem.spec.rules import acts, environment, evidence, prometheus, timing
from chaosmem.spec.rules.draft import Complaint, Draft, Rule

__all__ = ["RULES", "Complaint", "Draft", "complaints"]

RULES: tuple[Rule, ...] = (
    *environment.RULES,
    *acts.RULES,
    *timing.RULES,
    *evidence.RULES,
    *prometheus.RULES,
)


def complaints(draft: Draft) -> Iterator[Complaint]:
    """Everything that the rules have to say about `draft`."""
    for rule in RULES:
        yield from rule(draft)
