"""The runbook of a game day, from the experiment and its plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from shlex import quote

from chaosmem import units
from chaosmem.plan.model import Plan
from chaosmem.runbook.byhand import Commands, Left
from chaosmem.runbook.document import Block, Bullets, Code, Heading, Paper, Para, Table, said
from chaosmem.runbook.explain import check_words, fault_blocks
from chaosmem.runbook.risks import guard_words, limit_words
from chaosmem.runbook.schedule import Clock, schedule
from chaosmem.spec.model import Experiment

BLANK = "\N{HORIZONTAL ELLIPSIS}" * 8
"""To be filled in by hand."""
BY_HAND = "By hand, with kubectl alone"
ROLES = {
    "lead": "decides to begin, to go on and to stop",
    "operator": "runs the commands of this paper",
    "observer": "watches the service, its users' errors and its dashboards",
    "owner": "knows the service and its dependencies; on call",
    "scribe": "keeps the notes",
}
"""Who is needed; `metadata.labels` of these names fill in who it is."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the runbook is made from.

    Attributes:
        spec: the spec's path, as its user writes it.
        left: what the run may leave in a cluster; None: the target is no pod.
        start: when it shall begin; None: the time table counts from the start.
    """

    experiment: Experiment
    plan: Plan
    spec: str
    left: Left | None = None
    start: datetime | None = None


def runbook(ground: Ground) -> Paper:
    """The whole of it."""
    return (
        Heading(f"Runbook: {ground.plan.experiment}", 1),
        *_what(ground),
        *_who(ground.experiment.metadata.labels),
        *_before(ground),
        *_when(ground),
        *_steady(ground),
        Heading("What is done to it"),
        *(_lower(block) for fault in ground.plan.faults for block in fault_blocks(fault)),
        *_stop_conditions(ground.experiment),
        *_stopping(),
        *_undoing(ground),
        *_after(),
    )


def _lower(block: Block) -> Block:
    return Heading(block.text, 3) if isinstance(block, Heading) else block


def _what(ground: Ground) -> Iterator[Block]:
    took = units.human_seconds(ground.plan.seconds)
    words = ground.experiment.metadata.description
    yield Para(said(words) if words else f"Claim: {BLANK}")
    yield Bullets(
        (
            *(said(f"Target: {t.name}: {t.detail}") for t in ground.plan.targets),
            f"Spec: {said(ground.spec)}, SHA-256 {ground.plan.sha256[:12]}",
            f"Length: {took} of phases, {len(ground.plan.rounds)} round(s)",
        )
    )


def _who(labels: Mapping[str, str]) -> Iterator[Block]:
    yield Heading("Who")
    rows = [("role", "does", "who, and how to reach them")]
    rows += [(role, does, said(labels.get(role, "")) or BLANK) for role, does in ROLES.items()]
    yield Table(tuple(rows))
    others = {k: v for k, v in labels.items() if k not in ROLES}
    if others:
        yield Bullets(tuple(said(f"{name}: {value}") for name, value in others.items()))
    yield Para("Everybody may call a stop; nobody has to explain it first.")


def _before(ground: Ground) -> Iterator[Block]:
    spec = quote(ground.spec)
    yield Heading("Before")
    yield Bullets(
        (
            "Rehearsed: `validate`, `doctor` and the dry run below end with exit code 0",
            "Each person has read what is done to the service, and how it is stopped and undone",
            "Whoever is on call for the service and its dependencies knows the time",
            "No deployment, no other experiment, no incident is going on",
            f"Dashboards are open: {BLANK}",
            f"Normal is known: the last run's report, or the baseline: {BLANK}",
            "Who executes 'by hand' below has tried a harmless command of it (the look)",
        ),
        boxes=True,
    )
    yield Para("Rehearsal; nothing is touched:")
    lines = [f"chaosmem validate {spec}", f"chaosmem doctor {spec}"]
    lines += [f"chaosmem plan {spec} --explain", f"chaosmem run {spec} --dry-run"]
    yield Code(tuple(lines))


def _when(ground: Ground) -> Iterator[Block]:
    yield Heading("When")
    if ground.start is not None:
        zone = ground.start.tzname() or "local time"
        yield Para(f"Begins {ground.start:%Y-%m-%d %H:%M:%S} ({zone}):")
    yield Code((f"chaosmem run {quote(ground.spec)}",))
    yield Table(schedule(ground.plan, Clock(ground.start)))
    yield Para(
        "Nominal times: the target's start, rollouts and slow captures come on top, and people may "
        "pause, hold and extend. Notes: `chaosmem control latest note 'what was seen'`, kept with "
        "their time in the run."
    )


def _steady(ground: Ground) -> Iterator[Block]:
    yield Heading("Steady state: what to look at")
    yield Bullets(tuple(check_words(check) for check in ground.experiment.checks))
    if ground.left is None:
        return
    spec = ground.experiment.target.kubernetes
    assert spec is not None  # noqa: S101 - there are pods
    selector = quote(",".join(f"{k}={v}" for k, v in spec.selector.items()))
    context = f" --context {quote(spec.context)}" if spec.context else ""
    where = f"kubectl{context} -n {quote(spec.namespace)}"
    events = f"{where} get events --watch --field-selector type=Warning"
    yield Code((f"{where} get pods -l {selector} --watch", f"{where} top pods", events))


def _stop_conditions(experiment: Experiment) -> Iterator[Block]:
    yield Heading("When to stop")
    yield Para("chaosmem stops by itself, undoes everything and exits with 4 when")
    yield Bullets(tuple(said(guard_words(g)) for g in experiment.guards) or ("nothing: no guard",))
    yield Para("People stop it when")
    yield Bullets(
        (
            "users outside of the target see errors, or anybody is unsure what is going on",
            "the service does not do what this paper says of the phase that goes on",
            "an incident begins anywhere near",
            f"{BLANK}",
        ),
        boxes=True,
    )
    yield Para("What the plan cannot exceed:")
    yield Bullets(tuple(said(words) for words in limit_words(experiment)))


def _stopping() -> Iterator[Block]:
    yield Heading("How to stop")
    yield Table(
        (
            ("how", "what happens"),
            (
                "Ctrl-C, or `kill -INT PID`, or SIGTERM",
                "no new step; everything is undone; verdict",
            ),
            ("the same again", "undone all the same, without the verdict"),
            ("`chaosmem control latest abort`", "as Ctrl-C, from another terminal"),
            ("`chaosmem control latest pause`", "stands still before its next step; `resume`"),
            ("`chaosmem control latest hold`", "stays in the phase that goes on; `release`"),
            ("the runner dies", "what acts in a process lets go 3 s later; the rest: see below"),
        )
    )
    yield Para(
        "Exit code 4: stopped, and everything is undone. Exit code 5: something is not undone, and "
        "the output names it."
    )


def _undoing(ground: Ground) -> Iterator[Block]:
    yield Heading("How to undo what a dead run left")
    yield Para("With chaosmem; each is safe to repeat:")
    lines = ["chaosmem undo latest"]
    if ground.left is not None:
        context = f" --context {quote(ground.left.context)}" if ground.left.context else ""
        lines.append(f"chaosmem sweep --namespace {quote(ground.left.control)}{context}")
    yield Code(tuple(lines))
    if ground.left is not None:
        yield from by_hand(ground.left)
    elif ground.experiment.target.process is not None:
        yield from processes()
    else:
        yield from _endpoint(ground.experiment)


def by_hand(left: Left, run_id: str = "") -> Iterator[Block]:
    """Undo with kubectl; `run_id` where it is known."""
    commands = Commands(left)
    yield Heading(BY_HAND, 3)
    yield Para(
        "Only once the runner is surely dead: its last heartbeat is more than 15 s old. A run that "
        "lives would be cut off from its own record. Which run it is:"
    )
    yield Code(tuple(commands.find()))
    yield Para("Then, in this order; what is there no more is no error:")
    yield Code((f"RUN={run_id or 'the-id-in-the-first-column'}", *commands.undo()))
    yield Para("Look: no resources are found, and each pod's number is 0.")
    yield Code(tuple(commands.look()))
    if left.agents:
        yield Para(
            "What the agent in a pod held (heap, goroutines, settings) it gave back by itself 3 s "
            "after the last heartbeat. kubectl sees of that the agent's own goroutines only."
        )
    yield Para("Last resort, where something stays; a deleted pod is replaced by its workload:")
    yield Code(tuple(commands.last_resort()))


def processes(run_id: str = "the-id-of-the-run") -> Iterator[Block]:
    """Undo of what runs on this machine, by hand."""
    yield Heading("By hand", 3)
    yield Para(
        "The kernel ends an owned process with its runner. Every process of a run has its mark in "
        "its environment:"
    )
    marked = 'grep -lzx "CHAOSMEM_RUN=$RUN" /proc/[0-9]*/environ 2>/dev/null'
    yield Code((f"RUN={run_id}", f"{marked} | cut -d/ -f3 | xargs -r kill"))


def _endpoint(experiment: Experiment) -> Iterator[Block]:
    endpoint, agent = experiment.target.endpoint, experiment.target.agent
    if endpoint is None or endpoint.url is None or agent is None:
        return
    yield Heading("By hand", 3)
    yield Para(
        "The agent gives back what it holds 3 s after the last heartbeat. To end it at once, with "
        f"the token of {said(agent.token_env)}:"
    )
    url = quote(f"{endpoint.url.rstrip('/')}{agent.path}/v1/lease")
    header = f'-H "Authorization: Bearer ${agent.token_env}"'
    body = '-d "{\\"run\\": \\"$RUN\\"}"'
    yield Code(("RUN=the-id-of-the-run", f"curl -X DELETE {header} {body} {url}"))


def _after() -> Iterator[Block]:
    yield Heading("Afterwards")
    yield Bullets(
        (
            "The look above finds nothing; the service is as before",
            "Report and hand-over are with everybody",
            "Each finding has an owner and a date",
        ),
        boxes=True,
    )
    yield Code(("chaosmem report latest", "chaosmem handover latest"))
