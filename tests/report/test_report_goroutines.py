from __future__ import annotations

import pytest

from chaosmem.profile import read
from chaosmem.profile.dumps import parse_goroutines
from chaosmem.report.goroutines import inferred_state, of_dumps
from tests.report.sample_profiles import pprof

DUMP = b"""goroutine 1 [running]:
main.main()
\t/src/main.go:9 +0x1d

goroutine 7 [chan receive, 12 minutes]:
cart.(*Queue).Wait(0xc000012345)
\t/src/cart.go:31 +0x1d
created by main.main in goroutine 1
\t/src/main.go:7 +0x1d

goroutine 8 [chan receive, 3 minutes]:
cart.(*Queue).Wait(0xc000012345)
\t/src/cart.go:31 +0x1d
created by main.main in goroutine 1
\t/src/main.go:7 +0x1d
"""


@pytest.mark.parametrize(
    ("stack", "state"),
    [
        (("main.f", "runtime.chanrecv1", "runtime.chanrecv", "runtime.gopark"), "chan receive"),
        (("main.f", "runtime.selectgo", "runtime.gopark"), "select"),
        (
            ("net.(*conn).Read", "internal/poll.runtime_pollWait", "runtime.netpollblock"),
            "IO wait",
        ),
        (("main.f", "sync.(*Cond).Wait", "sync.runtime_notifyListWait"), "sync.Cond.Wait"),
        (("main.f", "time.Sleep", "runtime.gopark"), "sleep"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wait_is_told_by_the_runtimes_function(stack: tuple[str, ...], state: str) -> None:
    assert inferred_state(stack) == f"waiting: {state}"


def test_what_a_stack_does_not_tell_is_not_guessed() -> None:
    assert inferred_state(("main.f", "runtime.gopark")) == "waiting"
    assert inferred_state(("main.f",)) == "running or runnable"
    assert inferred_state(("main.f",), hidden=True) == "unknown"
    assert inferred_state(("os.Read", "syscall.Syscall")) == "syscall"


def test_a_full_dump_says_states_reasons_and_the_longest_wait_itself() -> None:
    found = of_dumps([("before", parse_goroutines(DUMP))])
    assert [(r.state, r.counts, r.minutes) for r in found.rows] == [
        ("waiting: chan receive", (2,), 12),
        ("running", (1,), 0),
    ]
    assert not found.inferred
    assert found.rows[0].stacks[0].stack == ("cart.(*Queue).Wait",)


def test_states_stand_side_by_side_over_dumps_of_any_form() -> None:
    stack = ("cart.(*Queue).Wait", "runtime.chanrecv", "runtime.gopark")
    after = read(pprof({stack: 500}, "goroutine"))
    found = of_dumps([("before", parse_goroutines(DUMP)), ("after", after)])
    assert found.totals == (3, 500)
    assert found.rows[0].state == "waiting: chan receive"
    assert found.rows[0].counts == (2, 500)
    assert found.inferred
    assert "no wait times" in found.notes[-1]


def test_a_debug_1_text_hides_the_parking_functions_and_that_is_said() -> None:
    text = b"goroutine profile: total 3\n3 @ 0x1 0x2\n#\t0x1\tmain.wait+0x1\t/src/main.go:3\n\n"
    found = of_dumps([("dump", parse_goroutines(text))])
    assert [(r.state, r.counts) for r in found.rows] == [("unknown", (3,))]
    assert "hides the runtime's functions" in found.notes[0]


def test_many_states_are_folded_into_one_row() -> None:
    dumps = b"".join(
        b"goroutine %d [reason %d]:\nmain.f%d()\n\t/a.go:1 +0x1\n\n" % (i, i, i)
        for i in range(1, 31)
    )
    found = of_dumps([("dump", parse_goroutines(dumps))])
    assert len(found.rows) == 12
    assert found.rows[-1].state == "other states"
    assert found.totals == (30,)
