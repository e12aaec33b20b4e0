from __future__ import annotations

import math
from typing import Any

import pytest

from chaosmem.evidence.model import Capture, Trial
from chaosmem.spec.base import Moment
from chaosmem.spec.checks import GoroutineRecovery, TopAllocations
from chaosmem.spec.faults import HeapFault
from chaosmem.verify import Finding, Outcome, verify
from tests.verify.build import (
    HEAP,
    MIB,
    SURGE,
    capture,
    evidence,
    fault,
    heap_series,
    steps,
    surge,
    trial,
)

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
FILL, OTHER = "shop/inventory.(*Cache).Fill", "shop/cart.Add"
EXACT, DEFAULT = 1, 512 << 10


def heap(rate: int = EXACT, **mib: float) -> bytes:
    """A heap profile as `debug=1` text: MiB in use by function; the text holds samples."""
    names = {"fill": FILL, "other": OTHER, "retain": "chaosmem/agent.retainHeap"}
    rows = []
    for i, (name, size) in enumerate(mib.items()):
        seen = 1.0 if rate <= 1 else 1 - math.exp(-1024 / rate)  # sampled objects of 1 KiB
        count = max(1, round(size * 1024 * seen))
        space = count * 1024
        function = names.get(name, f"main.{name}")
        pc = 0x400000 + 16 * i
        rows.append(
            f"{count}: {space} [{count}: {space}] @ {pc + 1:#x}\n"
            f"#\t{pc:#x}\t{function}+0x10\t\tmain.go:{i + 1}\n"
        )
    head = f"heap profile: 0: 0 [0: 0] @ heap/{2 * rate}\n"
    return (head + "\n".join(rows) + "\n\n# runtime.MemStats\n# Alloc = 1\n").encode()


def shown(before: bytes, after: bytes, *, gc: bool = True, at: str | None = None) -> Trial:
    taken = (
        capture("heap", "baseline.end", 9.0, 9.1, gc=gc),
        capture("heap", "hold.end", 19.0, 19.1, gc=gc),
    )
    files = {taken[0].file: before, taken[1].file: after}
    spec = HeapFault(retain=64 << 20, at=at)
    return trial(heap_series(), faults=[fault(spec)], captures=taken, files=files)


def judged(this: Trial, **spec: Any) -> Finding:
    run = evidence(this, checks=[TopAllocations(**spec)])
    found = next(f for f in verify(run).findings if f.check == "top-allocations")
    assert "crashed" not in found.reason
    return found


@pytest.mark.parametrize(
    ("at", "after", "outcome"),
    [
        pytest.param("inventory.(*Cache).Fill", {"fill": 64.0}, PASS, id="at-its-point"),
        pytest.param("inventory.(*Cache).Fill", {"other": 64.0}, FAIL, id="elsewhere"),
        pytest.param(None, {"retain": 64.0}, PASS, id="at-the-agents-own-function"),
        pytest.param(None, {"fill": 64.0}, FAIL, id="not-at-the-agents-own-function"),
    ],
)
def test_growth_must_be_at_the_injection_point(
    at: str | None, after: dict[str, Any], outcome: Outcome
) -> None:
    assert judged(shown(heap(base=1.0), heap(base=1.0, **after), at=at)).outcome is outcome


@pytest.mark.parametrize(
    ("other", "outcome"), [pytest.param(64.0, PASS, id="half"), pytest.param(65.0, FAIL)]
)
def test_its_share_must_reach_the_declared_one(other: float, outcome: Outcome) -> None:
    this = shown(heap(base=1.0), heap(base=1.0, retain=64.0, other=other))
    assert judged(this, top=2).outcome is outcome


def test_what_was_there_before_does_not_count_as_growth() -> None:
    this = shown(heap(other=900.0, base=1.0), heap(other=900.0, base=1.0, retain=64.0))
    found = judged(this)
    assert found.outcome is PASS
    assert found.headline is not None
    assert found.headline.value == 100.0


@pytest.mark.parametrize(
    ("share", "outcome"),
    [
        pytest.param(0.3, PASS, id="surely-more"),
        pytest.param(0.5, INCONCLUSIVE, id="within-the-sampling-error"),
        pytest.param(0.7, FAIL, id="surely-less"),
    ],
)
def test_a_share_within_the_sampling_error_is_inconclusive(share: float, outcome: Outcome) -> None:
    this = shown(heap(DEFAULT, base=1.0), heap(DEFAULT, base=1.0, retain=40.0, other=40.0))
    found = judged(this, share=share)
    assert found.outcome is outcome
    assert found.headline is not None
    assert found.headline.error == pytest.approx(7.75, abs=0.2)  # %; 1.96·0.5·√(½·0.5/40)


@pytest.mark.parametrize(("top", "outcome"), [(3, PASS), (2, FAIL)])
def test_it_must_be_among_the_top_stacks(top: int, outcome: Outcome) -> None:
    this = shown(heap(base=1.0), heap(base=1.0, a=30.0, b=20.0, retain=10.0))
    found = judged(this, top=top, share=0.1)
    assert found.outcome is outcome
    assert found.numbers["declared growth"].value == 10 * MIB


def test_a_rank_within_the_sampling_error_is_inconclusive() -> None:
    this = shown(heap(DEFAULT, base=1.0), heap(DEFAULT, base=1.0, other=21.0, retain=20.0))
    assert judged(this, top=1, share=0.2).outcome is INCONCLUSIVE


def test_a_pattern_of_the_spec_goes_before_the_faults_point() -> None:
    this = shown(heap(base=1.0), heap(base=1.0, other=64.0))
    assert judged(this, contains=r"cart\.Add$").outcome is PASS


def test_an_absent_profiler_is_not_an_absent_stack() -> None:
    for before, after in ((heap(0), heap(0)), (heap(base=1.0), heap(0))):
        found = judged(shown(before, after), expect="absent")
        assert found.outcome is INCONCLUSIVE
        assert "profiler is off" in found.reason


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        pytest.param({}, PASS, id="nothing-grew"),
        pytest.param({"other": 64.0}, PASS, id="something-else-grew"),
        pytest.param({"retain": 64.0}, FAIL, id="it-grew"),
        pytest.param({"retain": 32.0, "other": 32.0}, FAIL, id="at-the-limit"),
        pytest.param({"retain": 31.0, "other": 32.0}, PASS, id="below-the-limit"),
    ],
)
def test_a_negative_control_fails_where_the_stack_grew(
    after: dict[str, Any], outcome: Outcome
) -> None:
    this = shown(heap(base=1.0), heap(base=1.0, **after))
    assert judged(this, expect="absent").outcome is outcome


@pytest.mark.parametrize(
    ("mib", "slack", "outcome"),
    [
        pytest.param(4.0, 4 * MIB, PASS, id="at-the-slack"),
        pytest.param(5.0, 4 * MIB, FAIL, id="above-the-slack"),
        pytest.param(5.0, 8 * MIB, PASS, id="below-a-wider-slack"),
    ],
)
def test_growth_up_to_the_slack_is_of_no_account_in_a_negative_control(
    mib: float, slack: int, outcome: Outcome
) -> None:
    this = shown(heap(base=1.0), heap(base=1.0, retain=mib))
    assert judged(this, expect="absent", slack=slack).outcome is outcome


def test_the_slack_counts_the_sampling_error_too() -> None:
    this = shown(heap(DEFAULT, base=1.0), heap(DEFAULT, base=1.0, retain=3.9))
    assert judged(this, expect="absent", slack=4 * MIB).outcome is not PASS


def test_a_negative_control_within_the_sampling_error_is_inconclusive() -> None:
    this = shown(heap(DEFAULT, base=1.0), heap(DEFAULT, base=1.0, retain=40.0, other=40.0))
    assert judged(this, expect="absent").outcome is INCONCLUSIVE


def test_nothing_that_grew_cannot_be_attributed() -> None:
    found = judged(shown(heap(base=1.0), heap(base=1.0)))
    assert (found.outcome, found.observed) == (INCONCLUSIVE, "no growth")


@pytest.mark.parametrize(
    ("after", "spec", "outcome"),
    [
        pytest.param({"retain": 64.0}, {}, PASS, id="seen-is-seen"),
        pytest.param({"other": 64.0}, {}, INCONCLUSIVE, id="missing-may-be-too-new"),
        pytest.param({"other": 64.0}, {"expect": "absent"}, INCONCLUSIVE, id="so-may-be-absence"),
    ],
)
def test_without_a_forced_gc_a_missing_stack_may_be_too_new(
    after: dict[str, Any], spec: dict[str, Any], outcome: Outcome
) -> None:
    this = shown(heap(base=1.0), heap(base=1.0, **after), gc=False)
    found = judged(this, **spec)
    assert found.outcome is outcome
    assert "up to two GC cycles old" in found.reason


@pytest.mark.parametrize(
    ("captures", "why"),
    [
        pytest.param((), "no heap profile was captured at baseline.end", id="none"),
        pytest.param(
            (
                capture("heap", "baseline.end", 9, 9.1),
                capture("heap", "hold.end", 19, 19.1, file="", error="HTTP 500"),
            ),
            "HTTP 500",
            id="failed",
        ),
    ],
)
def test_a_capture_that_is_missing_is_named(captures: tuple[Capture, ...], why: str) -> None:
    files = {c.file: heap(base=1.0) for c in captures}
    this = trial(heap_series(), faults=[fault(HEAP)], captures=captures, files=files)
    found = judged(this)
    assert found.outcome is INCONCLUSIVE
    assert why in found.reason


def test_a_damaged_profile_is_named() -> None:
    found = judged(shown(heap(base=1.0), b"\x1f\x8b broken"))
    assert found.outcome is INCONCLUSIVE
    assert "captures/heap-hold.end.pb.gz cannot be read" in found.reason


def test_without_an_injection_point_there_is_nothing_to_look_for() -> None:
    this = trial(surge(steps((0, 20), (10.5, 520), (20, 20))), faults=[fault(SURGE)])
    found = judged(this)
    assert found.outcome is INCONCLUSIVE
    assert "contains" in found.reason


def test_other_moments_can_be_compared() -> None:
    this = shown(heap(base=1.0), heap(base=1.0, retain=9.0))
    found = judged(this, at=Moment.parse("recover.end"))
    assert "captured at recover.end" in found.reason


def test_the_top_stacks_are_in_the_table_before_and_after() -> None:
    found = judged(shown(heap(other=2.0), heap(other=4.0, retain=64.0)))
    assert found.table[1][:5] == ("1", "64.0 MiB ± 0 B", "97 %", "0 B", "64.0 MiB")
    assert found.table[1][5:] == ("yes", "chaosmem/agent.retainHeap")
    assert found.table[2][3:] == ("2.0 MiB", "4.0 MiB", "", "shop/cart.Add")


def test_a_stack_that_is_missing_because_nothing_was_injected_fails_nobody() -> None:
    taken = shown(heap(base=1.0), heap(base=1.0, other=64.0))
    unproven = trial(
        heap_series(0.0), faults=taken.faults, captures=taken.captures, read=taken.read
    )
    found = judged(unproven)
    assert found.outcome is INCONCLUSIVE
    assert "would have failed" in found.reason


def goroutines(**count: int) -> bytes:
    rows = []
    for i, (name, n) in enumerate(count.items()):
        pc = 0x400000 + 16 * i
        rows.append(f"{n} @ {pc + 1:#x}\n#\t{pc:#x}\tmain.{name}+0x10\tmain.go:{i + 1}\n")
    return (f"goroutine profile: total {sum(count.values())}\n" + "\n".join(rows)).encode()


def leaking(after: bytes) -> Finding:
    taken = (
        capture("goroutine", "baseline.end", 9.8, 9.9, gc=False),
        capture("goroutine", "recover.end", 39.8, 39.9, gc=False),
    )
    this = trial(
        surge(steps((0, 20), (10.5, 520))),
        faults=[fault(SURGE)],
        captures=taken,
        files={taken[0].file: goroutines(serve=20), taken[1].file: after},
    )
    found = verify(evidence(this, checks=[GoroutineRecovery()])).findings
    return next(f for f in found if f.check == "goroutine-recovery")


def test_a_goroutine_leak_names_who_leaked() -> None:
    found = leaking(goroutines(serve=20, leak=500))
    assert found.outcome is FAIL
    assert found.table[1] == ("+500", "100 %", "main.leak")


def test_a_goroutine_profile_that_cannot_be_read_changes_no_outcome() -> None:
    found = leaking(b"\x1f\x8b broken")
    assert found.outcome is FAIL
    assert "cannot be read" in found.table[1][0]


def test_the_claim_says_present_or_absent() -> None:
    this = shown(heap(base=1.0), heap(base=1.0, retain=64.0))
    assert "is among the top 10 stacks" in judged(this).expected
    assert "must not be what grew" in judged(this, expect="absent").expected
