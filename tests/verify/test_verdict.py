from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosmem.errors import FormatError
from chaosmem.evidence.model import (
    Evidence,
    RunEnd,
    RunState,
    TargetEvent,
    TargetState,
    Trial,
    UndoRecord,
)
from chaosmem.metrics import GOROUTINES
from chaosmem.plan.model import PlannedTarget
from chaosmem.spec.checks import Check, CheckBase, GoroutineRecovery, NoRestart, StressEffect
from chaosmem.verify import Finding, Number, Outcome, Verdict, from_json, to_json, verify, worst
from chaosmem.verify.checks import CHECKERS, Checker
from tests.verify.build import (
    HEAP,
    PHASES,
    RELEASED,
    SURGE,
    TICKS,
    evidence,
    fault,
    pulse,
    surge,
    trial,
)

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
KINDS: list[type[CheckBase]] = list(get_args(get_args(Check)[0]))

NEEDED: dict[str, dict[str, object]] = {
    "promql": {"query": "go_goroutines", "at_most": 9.0},
    "alert": {"alert": "A"},
}
"""What a check cannot do without, by its kind."""


def made(kind: type[CheckBase]) -> CheckBase:
    return kind(**NEEDED.get(str(kind.model_fields["kind"].default), {}))


outcomes = st.sampled_from(Outcome)


def drained(after: float = 1.0, **change: Any) -> Trial:
    return trial(surge(pulse(20, 520, RELEASED + after)), faults=[fault(SURGE)], **change)


def judged(*trials: Trial, **change: Any) -> Verdict:
    return verify(evidence(*trials, checks=[GoroutineRecovery(), NoRestart()], **change))


# The algebra of outcomes.


def test_nothing_is_never_a_pass() -> None:
    assert worst([]) is INCONCLUSIVE


@pytest.mark.parametrize(
    ("given_", "found"),
    [([PASS, PASS], PASS), ([PASS, INCONCLUSIVE], INCONCLUSIVE), ([FAIL, INCONCLUSIVE], FAIL)],
)
def test_the_worst_wins(given_: list[Outcome], found: Outcome) -> None:
    assert worst(given_) is found


@given(st.lists(outcomes))
def test_another_inconclusive_never_improves_a_verdict(given_: list[Outcome]) -> None:
    order = [PASS, INCONCLUSIVE, FAIL]
    assert order.index(worst([*given_, INCONCLUSIVE])) >= order.index(worst(given_))


def test_trials_are_counted_once_however_many_targets_they_are_on() -> None:
    targets = [PlannedTarget(name=f"pod-{i}", kind="kubernetes", detail="") for i in range(3)]
    seen = evidence(*(drained(target=t.name) for t in targets), checks=[GoroutineRecovery()])
    many = replace(seen, plan=seen.plan.model_copy(update={"targets": tuple(targets)}))
    assert verify(seen).says.endswith(" hold in 1 trial.")
    assert verify(many).says.endswith(" hold in 1 trial on 3 targets.")


# Every check.


def test_every_check_of_the_language_is_decided() -> None:
    assert {kind.model_fields["kind"].default for kind in KINDS} == set(CHECKERS)


def bare(shown: str) -> Trial:
    """A trial in which nothing was measured, or the goroutine count alone."""
    curves: dict[Any, Any] = {} if shown == "nothing" else {GOROUTINES: 20.0}
    return trial(curves, faults=[fault(SURGE), fault(HEAP)])


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@pytest.mark.parametrize("shown", ["nothing", "goroutines-alone"])
def test_no_check_passes_without_its_evidence(kind: type[CheckBase], shown: str) -> None:
    verdict = verify(evidence(bare(shown), checks=[made(kind)]))
    assert verdict.outcome is not PASS
    found = [f for f in verdict.findings if f.check == kind.model_fields["kind"].default]
    assert [f.outcome for f in found] == [INCONCLUSIVE]
    assert "crashed" not in found[0].reason


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_no_check_passes_without_phases_or_faults(kind: type[CheckBase]) -> None:
    empty = trial({}, phases={}, events=())
    verdict = verify(evidence(empty, checks=[made(kind)]))
    assert verdict.outcome is INCONCLUSIVE
    assert not any("crashed" in f.reason for f in verdict.findings)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_a_target_that_died_decides_no_other_check(kind: type[CheckBase]) -> None:
    died = TargetEvent(15.0, TargetState.EXITED, pid=1, detail="exit status 2")
    verdict = verify(evidence(drained(events=(died,)), checks=[made(kind)]))
    found = next(f for f in verdict.findings if f.check == kind.model_fields["kind"].default)
    expected = FAIL if kind is NoRestart else INCONCLUSIVE
    assert found.outcome is expected
    assert "the target ended by itself at t=15.00 s (exit status 2)" in found.reason


@given(st.data())
def test_whatever_was_sampled_no_check_crashes(data: st.DataObject) -> None:
    t = np.array(sorted(data.draw(st.sets(st.integers(0, 400), max_size=40)))) / 10
    values = data.draw(st.lists(st.integers(0, 600), min_size=len(t), max_size=len(t)))
    shown = trial(
        surge(lambda _: np.array(values, dtype=float)),
        faults=[fault(SURGE)],
        t=t,
        phases={k: v for k, v in PHASES.items() if data.draw(st.booleans())},
    )
    verdict = verify(evidence(shown, checks=[made(kind) for kind in KINDS]))
    assert not any("crashed" in f.reason for f in verdict.findings)
    assert from_json(to_json(verdict)) == verdict


def test_a_check_that_crashes_is_inconclusive_and_the_others_still_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: object) -> Any:
        raise ZeroDivisionError("by zero")

    claim = CHECKERS["goroutine-recovery"].claim
    broken = {**CHECKERS, "goroutine-recovery": Checker(claim, crash)}
    monkeypatch.setattr("chaosmem.verify.checks.CHECKERS", broken)
    verdict = judged(drained())
    assert [f.outcome for f in verdict.findings] == [PASS, INCONCLUSIVE, PASS]
    assert "crashed: ZeroDivisionError: by zero" in verdict.findings[1].reason


def test_a_trial_that_did_not_end_takes_a_pass_away_and_leaves_a_fail() -> None:
    assert judged(drained(1.0, complete=False)).outcome is INCONCLUSIVE
    assert judged(drained(8.0, complete=False)).outcome is FAIL


def test_a_name_of_the_spec_is_shown() -> None:
    checks = [GoroutineRecovery(name="slow"), GoroutineRecovery(name="fast", within=0.5)]
    found = verify(evidence(drained(1.0), checks=checks)).findings
    assert [(f.name, f.outcome) for f in found[1:]] == [("slow", PASS), ("fast", FAIL)]


def test_an_advisory_finding_is_told_and_does_not_decide() -> None:
    checks = [GoroutineRecovery(advisory=True)]
    verdict = verify(evidence(drained(8.0), checks=checks))
    assert verdict.outcome is PASS
    assert [(f.outcome, f.advisory) for f in verdict.findings] == [(PASS, False), (FAIL, True)]


# The run as a whole.


@pytest.mark.parametrize(
    ("after", "exit_code"), [(1.0, 0), (8.0, 1), (5.0, 3)], ids=["pass", "fail", "inconclusive"]
)
def test_the_exit_code_follows_the_outcome(after: float, exit_code: int) -> None:
    assert judged(drained(after)).exit_code == exit_code


@pytest.mark.parametrize(
    ("state", "after", "outcome", "exit_code"),
    [
        pytest.param(RunState.ABORTED, 1.0, INCONCLUSIVE, 4, id="aborted"),
        pytest.param(RunState.INTERRUPTED, 1.0, INCONCLUSIVE, 4, id="interrupted"),
        pytest.param(RunState.INTERRUPTED, 8.0, FAIL, 4, id="interrupted-after-a-fail"),
        pytest.param(RunState.ERROR, 1.0, INCONCLUSIVE, 3, id="error"),
        pytest.param(RunState.UNFINISHED, 1.0, INCONCLUSIVE, 3, id="unfinished"),
        pytest.param(RunState.UNFINISHED, 8.0, FAIL, 1, id="unfinished-after-a-fail"),
    ],
)
def test_a_run_that_did_not_complete_is_never_a_pass(
    state: RunState, after: float, outcome: Outcome, exit_code: int
) -> None:
    verdict = judged(drained(after), end=RunEnd(state, "guard rss: 2.0 GiB", 77))
    assert (verdict.outcome, verdict.exit_code) == (outcome, exit_code)
    assert verdict.findings[0].evidence[0].line == 77
    assert "guard rss: 2.0 GiB" in verdict.findings[0].reason


@pytest.mark.parametrize("after", [1.0, 8.0], ids=["pass", "fail"])
@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.ABORTED])
def test_what_is_still_changed_is_exit_5_and_keeps_the_outcome(
    after: float, state: RunState
) -> None:
    left = UndoRecord("undo-2", "put GOMEMLIMIT back", done=False, error="refused", line=12)
    whole = judged(drained(after), state=state)
    verdict = judged(drained(after), state=state, undo=(left,))
    assert (verdict.outcome, verdict.exit_code) == (whole.outcome, 5)
    finding = next(f for f in verdict.findings if f.name == "undo")
    assert "put GOMEMLIMIT back (undo-2: refused)" in finding.reason
    assert finding.evidence[0].line == 12


def test_damage_in_the_run_directory_is_never_a_pass() -> None:
    verdict = judged(drained(), damage=("journal.jsonl:9: checksum mismatch",))
    assert verdict.outcome is INCONCLUSIVE
    assert "journal.jsonl:9: checksum mismatch" in verdict.says


@pytest.mark.parametrize(("planned", "outcome"), [(1, PASS), (2, INCONCLUSIVE)])
def test_a_planned_trial_that_is_missing_is_named(planned: int, outcome: Outcome) -> None:
    verdict = judged(drained(), planned=planned)
    assert verdict.outcome is outcome
    assert ("1 of 2 trials ran; missing: extra-0" in verdict.says) is (planned == 2)


def test_a_run_without_trials_is_inconclusive() -> None:
    verdict = judged()
    assert (verdict.outcome, verdict.exit_code) == (INCONCLUSIVE, 3)
    assert verdict.says == "INCONCLUSIVE: no trial was planned."


@pytest.mark.parametrize(
    ("trials", "says"),
    [
        pytest.param(
            [drained()],
            "PASS: stress-effect, goroutine-recovery, no-restart hold in 1 trial.",
            id="pass",
        ),
        pytest.param(
            [drained(8.0)],
            "FAIL: goroutine-recovery: recovered only between 7.95 s and 8.05 s after release; "
            "allowed are 5 s (band 20 ± 2 from 100 samples).",
            id="fail",
        ),
        pytest.param(
            [drained(), drained(8.0, number=2), drained(9.0, number=3)],
            "FAIL: goroutine-recovery (arm default, trial 2): recovered only between 7.95 s and "
            "8.05 s after release; allowed are 5 s (band 20 ± 2 from 100 samples) (1 more finding "
            "of this kind).",
            id="one-of-many",
        ),
    ],
)
def test_one_sentence_says_what_decided(trials: list[Trial], says: str) -> None:
    assert judged(*trials).says == says


# Trials and arms.


def test_trials_are_summarised_with_mean_and_median() -> None:
    times = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    verdict = judged(*(drained(t, number=i) for i, t in enumerate(times)))
    found = next(s for s in verdict.summaries if s.name == "goroutine-recovery")
    assert (found.trials, found.unit, found.outcome) == (6, "s", PASS)
    assert found.mean == pytest.approx(np.mean(times))
    assert found.sd == pytest.approx(np.std(times, ddof=1))
    assert found.median == pytest.approx(np.median(times))
    assert found.interval == pytest.approx((0.5, 3.0))
    assert found.coverage == pytest.approx(0.96875)
    assert found.note == ""


def test_too_few_trials_say_what_they_can_give() -> None:
    verdict = judged(*(drained(t, number=i) for i, t in enumerate([1.0, 2.0, 3.0])))
    found = next(s for s in verdict.summaries if s.name == "goroutine-recovery")
    assert found.coverage == 0.75
    assert "3 trials cannot give a 95 % interval" in found.note
    assert "(the widest covers it with 75 %); 6 are the fewest" in found.note


def test_trials_without_a_number_are_not_averaged_away() -> None:
    verdict = judged(drained(1.0), drained(99.0, number=2))
    found = next(s for s in verdict.summaries if s.name == "goroutine-recovery")
    assert (found.outcome, found.trials, found.sd) == (FAIL, 2, None)
    assert "1 of 2 trials gave no number" in found.note


def arms(n: int, shift: float) -> Verdict:
    times = [0.5 + 0.1 * i for i in range(n)]
    base = [drained(t, number=i, arm="base") for i, t in enumerate(times)]
    other = [drained(t + shift, number=i, arm="fast") for i, t in enumerate(times)]
    return judged(*base, *other)


@pytest.mark.parametrize(
    ("n", "p", "says"),
    [
        pytest.param(3, 0.1, "3 against 3 trials can reach p=0.1 at best", id="3-cannot"),
        pytest.param(4, 1 / 35, "a difference is shown", id="4-can"),
    ],
)
def test_arms_are_compared_with_what_their_trials_can_show(n: int, p: float, says: str) -> None:
    found = next(c for c in arms(n, 2.0).comparisons if c.name == "goroutine-recovery")
    assert (found.base, found.arm, found.n_base, found.n_arm) == ("base", "fast", n, n)
    assert found.p == pytest.approx(p)
    assert found.delta == 1.0
    assert found.shift == pytest.approx(2.0)
    assert says in found.says
    assert re.search(r"fast is 2 s above base \(.* to .* with \S+ %\); Mann-Whitney", found.says)
    assert found.interval is not None
    assert found.interval[0] <= 2.0 <= found.interval[1]
    assert found.shown is (None if n < 4 else True)


def test_arms_that_are_alike_show_no_difference() -> None:
    found = next(c for c in arms(5, 0.0).comparisons if c.name == "goroutine-recovery")
    assert found.p == 1.0
    assert "no difference is shown" in found.says
    assert found.shown is False


def test_an_arm_without_numbers_cannot_be_compared() -> None:
    verdict = judged(drained(arm="base"), drained(99.0, arm="leaky"))
    found = next(c for c in verdict.comparisons if c.name == "goroutine-recovery")
    assert (found.p, found.n_arm) == (None, 0)
    assert "no number for leaky" in found.says


# The bytes.

numbers = st.builds(
    Number,
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
    st.none() | st.floats(0, 1e300),
)
findings = st.builds(
    Finding,
    check=st.text(max_size=5),
    name=st.text(max_size=5),
    outcome=outcomes,
    observed=st.text(max_size=9),
    expected=st.text(max_size=9),
    threshold=st.text(max_size=9),
    reason=st.text(max_size=9),
    headline=st.none() | numbers,
    numbers=st.dictionaries(st.text(max_size=4), numbers, max_size=3),
    table=st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=2).map(tuple),
)
verdicts = st.builds(
    Verdict,
    run_id=st.text(max_size=9),
    experiment=st.text(max_size=9),
    outcome=outcomes,
    says=st.text(max_size=9),
    findings=st.lists(findings, max_size=3).map(tuple),
    format=st.just(1),
)


@given(verdicts)
def test_a_verdict_is_read_back_as_it_was_written(verdict: Verdict) -> None:
    assert from_json(to_json(verdict)) == verdict
    assert to_json(from_json(to_json(verdict))) == to_json(verdict)


def test_the_bytes_are_canonical() -> None:
    data = to_json(judged(drained()))
    assert data.endswith(b"}\n")
    loaded = json.loads(data)
    assert list(loaded) == sorted(loaded)
    assert loaded["format"] == 1


def test_whole_numbers_and_floats_give_the_same_bytes() -> None:
    verdict = judged(drained())
    as_int, as_float = (
        replace(verdict, findings=(replace(verdict.findings[0], headline=Number(v, "s")),))
        for v in (3, 3.0)
    )
    assert to_json(as_int) == to_json(as_float)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"{", "not JSON", id="cut"),
        pytest.param(b"\xff", "not JSON", id="not-text"),
        pytest.param(b"[]", "format None", id="no-object"),
        pytest.param(b'{"format": 2}', "format 2", id="newer"),
        pytest.param(b'{"format": 1}', "damaged at run_id", id="no-fields"),
    ],
)
def test_what_is_no_verdict_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        from_json(data)


def whole() -> Evidence:
    trials = [drained(0.3 * i, number=i, arm=a) for i in range(3) for a in ("base", "other")]
    return evidence(*trials, checks=[made(kind) for kind in KINDS])


def test_the_same_evidence_gives_the_same_bytes_in_any_process() -> None:
    code = (
        "import sys; from tests.verify.test_verdict import whole; "
        "from chaosmem.verify import to_json, verify; "
        "sys.stdout.buffer.write(to_json(verify(whole())))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone},
            capture_output=True,
            check=True,
        ).stdout
        for seed, locale, zone in (("1", "C", "UTC"), ("2", "C.UTF-8", "Asia/Tokyo"))
    }
    assert seen == {to_json(verify(whole()))}


def test_the_verdict_does_not_depend_on_the_order_of_the_series() -> None:
    given_ = drained()
    turned = replace(given_, series=dict(reversed(list(given_.series.items()))))
    checks: list[Any] = [StressEffect(), GoroutineRecovery()]
    assert to_json(verify(evidence(given_, checks=checks))) == to_json(
        verify(evidence(turned, checks=checks))
    )


def test_the_sampling_grid_of_the_builder_is_ten_hertz() -> None:
    assert np.allclose(np.diff(TICKS), 0.1)
