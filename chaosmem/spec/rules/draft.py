"""What a rule sees of a spec, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from chaosmem.spec.base import Phase
from chaosmem.spec.checks import Check
from chaosmem.spec.errors import Path, Severity
from chaosmem.spec.faults import Fault
from chaosmem.spec.model import Arm, Capture, Experiment, Guard, Limits, Phases, Sampling
from chaosmem.spec.prometheus import Prometheus
from chaosmem.spec.target import Target

T = TypeVar("T")
Indexed = tuple[tuple[int, T], ...]
"""Valid entries of a list section, each with its index in the document."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The valid parts of a spec; None where a section has a problem of its own.

    Entries of list sections that have a problem are left out; `whole` names the list sections that
    have none, because only of these may a rule say that something is absent.
    """

    target: Target | None
    phases: Phases | None
    sampling: Sampling | None
    limits: Limits | None
    trials: int | None
    prometheus: Prometheus | None
    faults: Indexed[Fault]
    captures: Indexed[Capture]
    checks: Indexed[Check]
    guards: Indexed[Guard]
    arms: Indexed[Arm]
    whole: frozenset[str]

    @classmethod
    def of(cls, sections: dict[str, Any], broken: Iterable[str]) -> Draft:
        """Make it from valid `sections` by field name; `broken` ones have problems."""
        broken = frozenset(broken)
        fields = Experiment.model_fields

        def one(name: str) -> Any:
            default = None if name in broken or fields[name].is_required() else fields[name].default
            return sections.get(name, default)

        def indexed(name: str) -> Any:
            value = one(name) or ()
            return value if name in _PAIRS else tuple(enumerate(value))

        singles = {n: one(n) for n in _SINGLES}
        lists = {n: indexed(n) for n in _LISTS}
        sound = frozenset(_LISTS) | {"prometheus"}
        return cls(**singles, **lists, whole=sound - broken)

    def length(self, phases: Iterable[Phase]) -> float:
        """Length of `phases` together, in seconds; 0 where the phases are not known."""
        return sum(self.phases.of(phase) for phase in phases) if self.phases else 0.0

    def fault_kinds(self) -> frozenset[str]:
        """Kinds of the valid faults."""
        return frozenset(fault.kind for _, fault in self.faults)


_SINGLES = ("target", "phases", "sampling", "limits", "trials", "prometheus")
_PAIRS = ("faults", "checks", "guards")
_LISTS = (*_PAIRS, "captures", "arms")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a rule has to say about a place of the document."""

    path: Path
    message: str
    severity: Severity = Severity.ERROR


Rule = Callable[[Draft], Iterator[Complaint]]


def warning(path: Path, message: str) -> Complaint:
    """Return a complaint that does not refuse the spec."""
    return Complaint(path, message, Severity.WARNING)


def of_kind(entries: Indexed[Any], kind: type[T]) -> Iterator[tuple[int, T]]:
    """Those of `entries` that are of one model, with their index."""
    return ((i, entry) for i, entry in entries if isinstance(entry, kind))
