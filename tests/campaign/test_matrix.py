"""Claims about the matrix: which cells there are, what each runs, and what is refused where."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaosmem.spec.campaign_reader import LoadedCampaign, load_campaign
from chaosmem.spec.errors import SpecInvalid

EXPERIMENT = """\
apiVersion: chaosmem/v1
kind: Experiment
metadata: {name: NAME}
target: {process: {command: [./app]}}
phases: {baseline: 5s, inject: 2s, hold: 4s, recover: 8s}
faults:
  - heap: {retain: 64MiB}
  - goroutines: {count: 5}
checks: [no-restart]
"""
HEAD = """\
apiVersion: chaosmem/v1
kind: Campaign
metadata: {name: m}
"""


def written(base: Path, rest: str, *names: str) -> Path:
    for name in names or ("a",):
        (base / f"{name}.yaml").write_text(EXPERIMENT.replace("NAME", name))
    path = base / "campaign.yml"
    path.write_text(HEAD + textwrap.dedent(rest))
    return path


def loaded(base: Path, rest: str, *names: str) -> LoadedCampaign:
    return load_campaign(written(base, rest, *names))


def cells(base: Path, rest: str, *names: str) -> list[str]:
    return [cell.name for cell in loaded(base, rest, *names).cells]


def said(base: Path, rest: str, *names: str) -> list[str]:
    """The problems, without the directory."""
    with pytest.raises(SpecInvalid) as caught:
        loaded(base, rest, *names)
    return [str(p).replace(f"{base}/", "") for p in caught.value.problems]


def test_a_file_alone_is_one_cell_that_keeps_everything(tmp_path: Path) -> None:
    campaign = loaded(tmp_path, "experiments: a.yaml\n")
    assert [c.name for c in campaign.cells] == ["a"]
    experiment = campaign.cells[0].loaded.experiment
    assert experiment.phases.recover == 8.0
    assert experiment.metadata.labels == {"campaign": "m", "cell": "a"}


def test_a_pattern_is_each_file_once_in_order(tmp_path: Path) -> None:
    assert cells(tmp_path, "experiments: [b.yaml, '*.yaml']\n", "c", "a", "b") == ["b", "a", "c"]


def test_the_matrix_is_every_experiment_on_every_target_under_every_arm(tmp_path: Path) -> None:
    rest = """\
        experiments: ['*.yaml']
        targets:
          - {name: one, target: {process: {args: ['1']}}}
          - {name: two, target: {process: {args: ['2']}}}
        arms: [{name: off}, {name: half, gogc: 50}]
        """
    assert cells(tmp_path, rest, "a", "b") == [
        f"{e} / {t} / {a}" for e in "ab" for t in ("one", "two") for a in ("off", "half")
    ]


def test_a_target_takes_the_place_of_another_kind_and_of_nothing_else(tmp_path: Path) -> None:
    rest = """\
        experiments: a.yaml
        targets: [{name: one, target: {endpoint: {url: 'http://127.0.0.1:1'}, metrics: null}}]
        """
    target = loaded(tmp_path, rest).cells[0].loaded.experiment.target
    assert (target.kind, target.metrics) == ("endpoint", None)
    assert target.pprof is not None


def test_a_target_is_laid_over_one_of_its_kind(tmp_path: Path) -> None:
    rest = "experiments: a.yaml\ntargets: [{name: t, target: {process: {env: {A: '1'}}}}]\n"
    process = loaded(tmp_path, rest).cells[0].loaded.experiment.target.process
    assert process is not None
    assert (process.command, process.env) == (("./app",), {"A": "1"})


def test_an_arm_stands_alone_in_its_cell(tmp_path: Path) -> None:
    campaign = loaded(tmp_path, "experiments: a.yaml\narms: [{name: x, gogc: 50}, {name: y}]\n")
    arms = [cell.loaded.experiment.arms for cell in campaign.cells]
    assert [[(a.name, a.gogc) for a in own] for own in arms] == [[("x", 50)], [("y", None)]]


@pytest.mark.parametrize("path", ["faults.heap.retain", "faults[0].heap.retain"])
def test_a_variable_reaches_a_fault_by_kind_or_by_place(tmp_path: Path, path: str) -> None:
    rest = f"""\
        experiments: a.yaml
        variables: [{{name: retain, path: '{path}', values: [32MiB, 8MiB]}}]
        """
    campaign = loaded(tmp_path, rest)
    assert [c.name for c in campaign.cells] == ["a / retain=32MiB", "a / retain=8MiB"]
    faults = [c.loaded.experiment.faults[0] for c in campaign.cells]
    assert [getattr(f, "retain", 0) for f in faults] == [32 * 2**20, 8 * 2**20]


def test_a_variable_makes_a_section_that_was_left_out(tmp_path: Path) -> None:
    rest = "experiments: a.yaml\nvariables: [{name: r, path: sampling.rate, values: [20/s]}]\n"
    assert loaded(tmp_path, rest).cells[0].loaded.experiment.sampling.rate == 20


def test_a_variable_gives_a_bare_check_its_options(tmp_path: Path) -> None:
    rest = """\
        experiments: a.yaml
        variables: [{name: r, path: checks.no-restart.advisory, values: [true]}]
        """
    assert loaded(tmp_path, rest).cells[0].loaded.experiment.checks[0].advisory


def test_exclude_leaves_out_what_agrees_with_all_that_it_says(tmp_path: Path) -> None:
    rest = """\
        experiments: a.yaml
        arms: [{name: x}, {name: y}]
        variables: [{name: n, path: faults.goroutines.count, values: [5, 50]}]
        exclude: [{arm: y, n: 50}]
        """
    assert cells(tmp_path, rest) == ["a / x / n=5", "a / x / n=50", "a / y / n=5"]


def test_include_adds_cells_with_values_of_their_own(tmp_path: Path) -> None:
    rest = """\
        experiments: ['*.yaml']
        variables: [{name: n, path: faults.goroutines.count, values: [5]}]
        include: [{experiment: b, n: 500}, {experiment: a}]
        """
    assert cells(tmp_path, rest, "a", "b") == ["a / n=5", "b / n=5", "b / n=500", "a"]


def test_trials_of_the_campaign_win(tmp_path: Path) -> None:
    assert (
        loaded(tmp_path, "experiments: a.yaml\ntrials: 6\n").cells[0].loaded.experiment.trials == 6
    )


def test_a_shuffled_order_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    rest = """\
        experiments: a.yaml
        order: shuffled
        seed: 7
        variables: [{name: n, path: faults.goroutines.count, values: [1, 2, 3, 4, 5, 6]}]
        """
    first = cells(tmp_path, rest)
    assert first == cells(tmp_path, rest)
    assert first != sorted(first)
    assert first != cells(tmp_path, rest.replace("seed: 7", "seed: 8"))


def test_a_cell_is_a_spec_that_reads_back_to_the_same_experiment(tmp_path: Path) -> None:
    from chaosmem import spec

    cell = loaded(tmp_path, "experiments: a.yaml\narms: [{name: x, gogc: off}]\n").cells[0]
    assert spec.loads(cell.loaded.text, name="f").experiment == cell.loaded.experiment


# --- what is refused, and where it is written

REFUSED = yaml.safe_load((Path(__file__).parent / "refused.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, case: dict[str, Any]) -> None:
    found = said(tmp_path, case["campaign"])
    assert [line.replace(f"in {tmp_path}", "in .") for line in found] == case["says"]


def test_a_wrong_value_of_a_variable_is_said_where_the_campaign_has_it(tmp_path: Path) -> None:
    rest = """\
        experiments: a.yaml
        variables:
          - {name: retain, path: faults.heap.retain, values: [8MiB, 8Mob]}
        """
    (line,) = said(tmp_path, rest)
    assert line.startswith("campaign.yml:6:61: faults[0].heap.retain: '8Mob': Mob is no unit")


def test_a_mistake_of_an_experiment_is_said_once_at_its_own_place(tmp_path: Path) -> None:
    path = written(tmp_path, "experiments: a.yaml\narms: [{name: x}, {name: y}]\n")
    broken = EXPERIMENT.replace("NAME", "a").replace("hold: 4s", "hold: 4")
    (tmp_path / "a.yaml").write_text(broken)
    with pytest.raises(SpecInvalid) as caught:
        load_campaign(path)
    assert str(caught.value) == f"{tmp_path}/a.yaml:5:42: phases.hold: 4 has no unit; write 4s"


def test_a_path_that_leads_nowhere_is_said_with_the_experiment(tmp_path: Path) -> None:
    rest = "experiments: a.yaml\nvariables: [{name: n, path: faults.load.rate, values: [5/s]}]\n"
    assert said(tmp_path, rest) == [
        "campaign.yml:5:56: variables[0].values[0]: faults has no load (a.yaml)"
    ]


def test_two_experiments_of_one_name_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "experiments: '*.yaml'\n", "a")
    (tmp_path / "b.yaml").write_text(EXPERIMENT.replace("NAME", "a"))
    with pytest.raises(SpecInvalid, match=r"are both named a; give each a metadata\.name"):
        load_campaign(path)


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    rest = """\
        experiments: a.yaml
        variables:
          - {name: retain, path: faults.heap.retain, values: [8Mob]}
        exclude: [{retain: 9MiB}]
        """
    assert [line.split(":")[1] for line in said(tmp_path, rest)] == ["6", "7"]
