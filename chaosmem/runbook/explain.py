"""Why a plan is as it is: each fault, check, guard and limit, and what could go wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from chaosmem import units
from chaosmem.plan.model import Plan, PlannedFault
from chaosmem.plan.permissions import WORKLOADS, permissions
from chaosmem.runbook.document import Block, Bullets, Heading, Paper, Para, Table, said
from chaosmem.runbook.risks import guard_words, limit_words, risks
from chaosmem.runbook.schedule import Clock, schedule
from chaosmem.spec.model import Experiment
from chaosmem.verify.checks import checker

_UNDECIDED = {
    "stress-effect": "a fault that is not proven makes every other check inconclusive, not passed",
    "goroutine-recovery": "undecided where the baseline has too few samples, or the edge of the "
    "band lies within the clock's error",
    "next-gc-prediction": "undecided with too few collections under pressure",
    "top-allocations": "undecided without both heap captures, or where sampling cannot tell",
    "heap-returns": "undecided without a steady heap in the baseline, or without the last capture",
    "rss-returns": "Go gives memory back over minutes: undecided or failed where recover is short",
    "gc-cpu": "undecided without a collection in the phases that count",
    "pause": "undecided where too few pauses were seen to tell chance from a rule",
    "promql": "undecided where Prometheus has too few scrapes of that time",
    "alert": "undecided where Prometheus cannot say when the alert fired or resolved",
}


_PROMISED = (
    "What a killed run would leave behind is promised on disk, and in the cluster, before it is "
    "done: `chaosmem undo` and `chaosmem sweep` finish it."
)


def explanation(experiment: Experiment, plan: Plan) -> Paper:
    """The whole of it."""
    return (
        Heading(f"{plan.experiment}: why each thing is done, and what could go wrong", 1),
        *_claim(experiment),
        *_targets(plan),
        *_when(plan),
        *(block for fault in plan.faults for block in fault_blocks(fault)),
        *_checks(experiment),
        *safety(experiment),
        *_rights(experiment, plan),
        *_notes(plan),
    )


def _claim(experiment: Experiment) -> Iterator[Block]:
    words = experiment.metadata.description
    yield Para(said(words) if words else "The experiment states no claim (metadata.description).")


def _targets(plan: Plan) -> Iterator[Block]:
    yield Heading("Targets: what is acted on")
    yield Bullets(tuple(said(f"{t.name}: {t.detail}") for t in plan.targets))


def _when(plan: Plan) -> Iterator[Block]:
    yield Heading("Phases: when, and what for")
    yield Table(schedule(plan, Clock()))
    rounds = len(plan.rounds)
    if rounds > 1:
        yield Para(
            f"{rounds} rounds: one run of a noisy thing shows little. Arms take turns, every "
            "second round in reverse, so that a drift of the machine meets all of them alike."
        )


def fault_blocks(fault: PlannedFault) -> Iterator[Block]:
    """One fault."""
    span = str(fault.begin) if fault.begin is fault.end else f"{fault.begin} to {fault.end}"
    yield Heading(f"Fault {fault.id}, in {span}")
    yield Bullets(
        (
            said(f"Does: {fault.does}."),
            said(f"Proven when: {fault.proof}. Without that nothing is concluded from it."),
            said(f"Undone: {fault.undo}."),
            *(said(f"Could go wrong: {words}") for words in risks(fault.fault)),
        )
    )


def _checks(experiment: Experiment) -> Iterator[Block]:
    yield Heading("Checks: what the verdict is made of")
    yield Bullets(tuple(check_words(check) for check in experiment.checks))


def check_words(check: object) -> str:
    """One check: why, what it expects, and when it cannot decide."""
    kind = str(getattr(check, "kind", ""))
    name = getattr(check, "name", None) or kind
    claim = checker(kind).claim(check)
    why = " ".join((type(check).__doc__ or "").split("\n\n")[0].split())
    advisory = " Advisory: shown, and decides nothing." if getattr(check, "advisory", False) else ""
    undecided = _UNDECIDED.get(kind)
    tail = f" {undecided[0].upper()}{undecided[1:]}." if undecided else ""
    limit = f" ({claim.threshold})" if claim.threshold else ""
    return said(f"{name}: {why} Expected: {claim.expected}{limit}.{tail}{advisory}")


def safety(experiment: Experiment) -> Iterator[Block]:
    """Guards and limits."""
    yield Heading("Guards: what ends the run early")
    guards = tuple(said(f"{g.kind}: when {guard_words(g)}.") for g in experiment.guards)
    yield (
        Bullets(guards)
        if guards
        else Para("None: only people, and the end of the phases, end this run. Write guards.")
    )
    yield Heading("Limits: the blast radius")
    yield Bullets(tuple(said(words) for words in limit_words(experiment)))


def _rights(experiment: Experiment, plan: Plan) -> Iterator[Block]:
    owners = {t.pod.workload.partition("/")[0].lower() for t in plan.targets if t.pod}
    needs = permissions(experiment, tuple(w for w in WORKLOADS if w.removesuffix("s") in owners))
    if not needs:
        return
    yield Heading("Rights in the cluster, and why each")
    grouped: dict[tuple[str, str], list[str]] = {}
    for need in needs:
        words = need.why if need.needed else f"{need.why} (a run does without)"
        grouped.setdefault((need.what, words), []).append(need.verb)
    yield Bullets(
        tuple(said(f"{', '.join(verbs)} {what}: {why}") for (what, why), verbs in grouped.items())
    )


def _notes(plan: Plan) -> Iterator[Block]:
    took = units.human_seconds(plan.seconds)
    yield Heading("Besides")
    yield Bullets(
        (
            f"All phases together take {took}; starts, rollouts and captures come on top.",
            _PROMISED,
            *(said(f"{note[0].upper()}{note[1:]}.") for note in plan.notes if note),
        )
    )
