"""Two chaosmems and one target, and an undo that comes too early."""

from __future__ import annotations

import signal

from chaosmem.errors import Exit
from tests.run.harness import TOKEN, Lab, sample, standing, until

LONG = {"baseline": "300ms", "inject": "200ms", "hold": "30s", "recover": "300ms"}


def test_of_two_runs_on_one_endpoint_only_the_first_acts(lab: Lab) -> None:
    lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN
    with standing(lab.binary) as url:
        target = {"endpoint": {"url": url}}
        first = lab.watch(lab.spec(target=target, phases=LONG))
        until(first, "fault.proved")
        second = lab.run(lab.spec(target=target))
        assert second.code == Exit.INCONCLUSIVE
        assert "lease-held" in str([e for e in second.events() if e["event"] == "fault.failed"])
        assert sample(url)["held"]["goroutines"] == 200
        first.send_signal(signal.SIGINT)
        assert lab.finish(first).code == Exit.ABORTED
        assert sample(url)["held"]["goroutines"] == 0


def test_an_undo_of_a_run_that_still_goes_on_is_refused(lab: Lab) -> None:
    started = lab.watch(lab.spec(phases=LONG))
    until(started, "fault.proved")
    early = lab.call("undo", "latest", "--runs-dir", lab.runs)
    assert early.code == Exit.USAGE
    assert f"kill -INT {started.pid}" in early.stderr
    started.send_signal(signal.SIGINT)
    assert lab.finish(started).code == Exit.ABORTED
    late = lab.call("undo", "latest", "--runs-dir", lab.runs)
    assert late.code == Exit.PASS
    assert "nothing is left" in late.stdout
