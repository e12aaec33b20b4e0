from __future__ import annotations

import json
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from chaosmem import spec
from chaosmem.drivers.kube.envpatch import EnvUndo, Variable
from chaosmem.drivers.kube.kinds import DEPLOYMENT, Ref
from chaosmem.plan import Inventory, Plan, PlannedTarget, make_plan
from chaosmem.plan.model import PlannedPod
from chaosmem.runbook.byhand import Commands, Left, former_environment, of_experiment
from chaosmem.runbook.document import Bullets, Code, Heading, Paper, Para, Table, said
from chaosmem.runbook.explain import explanation
from chaosmem.runbook.html import html
from chaosmem.runbook.markdown import markdown
from chaosmem.runbook.plaintext import plaintext
from chaosmem.runbook.runbook import BLANK, Ground, runbook
from chaosmem.runbook.schedule import Clock, schedule
from chaosmem.spec.model import Experiment
from tests.runbook.papers import code, section

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SHIPPED = [*sorted(EXPERIMENTS.glob("*.yaml"))]
SHIPPED += [p for p in sorted((EXPERIMENTS / "kubernetes").glob("*.yaml")) if p.stem != "shop"]
POD = PlannedPod(
    namespace="shop",
    name="shop-1",
    uid="u1",
    node="n1",
    container="shop",
    container_id="c1",
    port=8080,
    limit=2**28,
    workload="Deployment/shop",
)
HOSTILE = "`rm -rf /` <script>alert(1)</script> | \x1b[31m\u202e *x*\n## not a heading"


def planned(path: Path, **labels: str) -> tuple[Experiment, Plan]:
    loaded = spec.load(path)
    metadata = loaded.experiment.metadata.model_copy(update={"labels": labels})
    experiment = loaded.experiment.model_copy(update={"metadata": metadata})
    kind = experiment.target.kind
    pod = POD if kind == "kubernetes" else None
    target = PlannedTarget(name="one", kind=kind, detail="a target", pod=pod)
    return experiment, make_plan(experiment, loaded.sha256, Inventory((target,)))


def paper(path: Path, start: datetime | None = None, **labels: str) -> str:
    experiment, plan = planned(path, **labels)
    left = of_experiment(experiment, [POD], []) if experiment.target.kubernetes else None
    return markdown(runbook(Ground(experiment, plan, str(path), left, start)))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_every_fault_check_guard_and_limit_is_explained(path: Path) -> None:
    experiment, plan = planned(path)
    text = " ".join(plaintext(explanation(experiment, plan)).split())
    for fault in plan.faults:
        assert f"FAULT {fault.id.upper()}" in text
        assert said(fault.undo) in text
    assert text.count("Could go wrong:") >= len(plan.faults)
    for check in experiment.checks:
        assert f"{check.name or check.kind}: " in text
    for guard in experiment.guards:
        assert f"{guard.kind}: when " in text
        assert f"the guard {guard.kind} trips" not in text
    assert "LIMITS: THE BLAST RADIUS" in text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_every_runbook_says_who_when_how_to_stop_and_how_to_undo(path: Path) -> None:
    text = paper(path)
    for title in ("Who", "Before", "When", "When to stop", "How to stop", "Afterwards"):
        assert section(text, title).strip()
    assert "chaosmem undo latest" in section(text, "How to undo what a dead run left")
    assert "--dry-run" in section(text, "Before")


def test_requests_that_change_data_are_named_as_not_undone() -> None:
    experiment, plan = planned(EXPERIMENTS / "quickstart.yaml")
    text = " ".join(plaintext(explanation(experiment, plan)).split())
    assert "change data, and that is not undone: POST /cart/7/items" in text


def test_labels_fill_in_who_it_is_and_the_rest_is_left_to_be_written() -> None:
    who = section(paper(EXPERIMENTS / "quickstart.yaml", lead="Ann", channel="day"), "Who")
    assert "| Ann |" in who
    assert who.count(BLANK) == 4
    assert "channel: day" in who


def test_the_time_table_counts_from_the_start_or_has_times_of_day() -> None:
    _, plan = planned(EXPERIMENTS / "quickstart.yaml")
    relative = schedule(plan, Clock())
    assert [row[0] for row in relative] == [
        "when",
        "+0:00",
        "+0:02",
        "+0:08",
        "+0:12",
        "+0:19",
        "+0:28",
    ]
    absolute = schedule(plan, Clock(datetime(2026, 11, 26, 13, 59, 50)))  # noqa: DTZ001 - local
    assert [row[0] for row in absolute[1:3]] == ["13:59:50", "13:59:52"]
    assert absolute[-1][0] == "14:00:18"


def test_of_many_rounds_only_the_first_is_told_phase_by_phase() -> None:
    _, plan = planned(EXPERIMENTS / "godebug-ab.yaml")
    rows = schedule(plan, Clock())
    assert len(plan.rounds) == 12
    assert [row[2] for row in rows].count("the same phases") == 11


def test_only_a_target_in_a_cluster_has_kubectl_in_its_runbook() -> None:
    assert "kubectl" not in paper(EXPERIMENTS / "quickstart.yaml")
    on_pods = paper(EXPERIMENTS / "kubernetes" / "memory-80.yaml")
    undo = list(code(section(on_pods, "By hand, with kubectl alone")))[1]
    assert 'delete pods -l "chaosmem.io/run-id=$RUN"' in undo
    assert "patch" not in undo


def _left(**changes: object) -> Left:
    base = Left("", "chaosmem", "shop", {"app": "shop"}, 8080)
    return Left(**({f: getattr(base, f) for f in base.__slots__} | changes))


def test_a_context_is_in_every_command() -> None:
    commands = Commands(_left(context="prod east", stress=True, pprof="/debug/pprof"))
    lines = [*commands.find(), *commands.undo(), *commands.look(), *commands.last_resort()]
    called = [line for line in lines if "kubectl" in line]
    assert len(called) > 8
    assert [line for line in called if "kubectl --context 'prod east' " not in line] == []


def test_the_record_goes_last_so_that_what_was_cut_short_is_begun_again() -> None:
    former = EnvUndo(ref=Ref(kind=DEPLOYMENT, namespace="shop", name="shop"), container="shop",
                     variables=(), had_env=True)  # fmt: skip
    last = list(Commands(_left(formers=(former,), stress=True)).undo())[-1]
    assert "delete configmaps" in last


def test_a_former_environment_is_given_back_as_it_was_written() -> None:
    secret = {"name": "GOMEMLIMIT", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    ours = {"name": "x", "value": "y"}
    former = EnvUndo(
        ref=Ref(kind=DEPLOYMENT, namespace="shop", name="shop"),
        container="shop",
        variables=(
            Variable(name="GOGC", before=None, ours=ours),
            Variable(name="GODEBUG", before={"name": "GODEBUG", "value": "a=1"}, ours=ours),
            Variable(name="GOMEMLIMIT", before=secret, ours=ours),
        ),
        had_env=True,
    )
    (container,) = former_environment(former)["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [
        {"name": "GOGC", "$patch": "delete"},
        {"name": "GODEBUG", "value": "a=1", "valueFrom": None},
        {"name": "GOMEMLIMIT", "value": None, "valueFrom": secret["valueFrom"]},
    ]
    (patch, _) = list(Commands(_left(formers=(former,), own_pods=False)).undo())[:2]
    written = re.search(r"-p '(.*)'$", patch)
    assert written
    assert json.loads(written[1])["spec"]["template"]["spec"]["containers"] == [container]


# --- forms

PAPER: Paper = (
    Heading("Title", 1),
    Para(f"Run `chaosmem undo`, {said(HOSTILE)}"),
    Bullets((said(HOSTILE),), boxes=True),
    Table((("a", "b"), ("1", said(HOSTILE)))),
    Code(('echo "<$X>" | cat',)),
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.append(tag)


def test_no_foreign_text_becomes_markup_of_the_page() -> None:
    page = html(PAPER)
    found = _Tags()
    found.feed(page)
    assert "script" not in found.tags
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert "<code>chaosmem undo</code>" in page
    assert '<pre tabindex="0"><code>echo &quot;&lt;$X&gt;&quot; | cat</code></pre>' in page


def test_no_foreign_text_becomes_markdown() -> None:
    text = markdown(PAPER)
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script>" not in rendered
    assert rendered.count("<h2>") == 0
    assert "<code>chaosmem undo</code>" in rendered
    assert "<code>rm" not in rendered
    assert rendered.count("<td>") == 2


def test_a_text_paper_keeps_to_its_width_but_for_code() -> None:
    lines = plaintext(PAPER, width=60).splitlines()
    assert max(len(line) for line in lines) <= 60
    assert '    echo "<$X>" | cat' in lines
