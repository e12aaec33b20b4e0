"""Asking something of a run from another process: a terminal, or the page of `chaosmem serve`."""

from __future__ import annotations

from chaosmem.clock import wall
from chaosmem.errors import UsageError
from chaosmem.run.owner import gone
from chaosmem.rundir import RunDir, control
from chaosmem.rundir.acts import Act


def request(run: RunDir, act: Act | str, *, text: str = "", seconds: float = 0.0, by: str) -> str:
    """Ask it of a run that goes on, or add a note to one that does not; the request's id.

    Raises:
        UsageError: no such act, something missing or too long, or nobody is there to answer.
        RunDirError: the run directory cannot be written.
    """
    if gone(run):
        if act == Act.NOTE:
            return control.note_after(run, text=text, by=by, at=wall())
        raise UsageError(
            f"the process of run {run.run_id} is gone: nobody is there to {act}",
            hint=f"`chaosmem undo {run.run_id}` takes back what it left",
        )
    return control.ask(run, act, text=text, seconds=seconds, by=by, at=wall())
