"""`control`: pause, hold, extend, abort or note a run from another terminal."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chaosmem import units
from chaosmem.errors import Exit, UsageError

if TYPE_CHECKING:
    from chaosmem.rundir import RunDir
    from chaosmem.rundir.acts import ControlAnswered

_POLL = 0.05
Act = Literal["pause", "resume", "hold", "release", "extend", "abort", "note"]


Interactive = Annotated[
    bool,
    typer.Option(
        "--interactive",
        "-i",
        help="Game day: ask before each step, and keys to act.",
    ),
]
Steps = Annotated[
    bool | None,
    typer.Option("--steps/--no-steps", help="Ask before each step. [default: with --interactive]"),
]
MaxHold = Annotated[
    str,
    typer.Option(
        "--max-hold",
        help="How long each round may wait in all. [default: 30m; with Chaos Mesh 0]",
    ),
]


@dataclass(frozen=True, slots=True)
class Game:
    """Whether somebody plays along with a run, and how long it waits for them.

    Attributes:
        steps: ask before each step.
        max_hold: seconds; None: as the run itself would have it.
    """

    interactive: bool = False
    steps: bool = False
    max_hold: float | None = None

    def demand_terminal(self, progress: str, events: str) -> None:
        """UsageError where an interactive run could not be seen, or not be typed to."""
        if not self.interactive:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(
                "--interactive needs a terminal for stdin and stderr",
                hint="without one, `chaosmem control RUN pause|resume|...` does the same",
            )
        if progress not in ("auto", "live") or events != "none":
            raise UsageError("--interactive has the live view: no --progress plain, no --events")


def game(*, interactive: bool, steps: bool | None, max_hold: str) -> Game:
    """The options of `run`."""
    longest = _seconds(max_hold) if max_hold else None
    return Game(interactive, interactive if steps is None else steps, longest)


def add(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command("control", epilog="Example: chaosmem control latest extend 30s")(_control)


def _control(
    run_name: Annotated[
        str, typer.Argument(metavar="RUN", help="A run: its directory, id, or `latest`.")
    ],
    act: Annotated[Act, typer.Argument(help="What to do.", show_default=False)],
    value: Annotated[
        str, typer.Argument(help="How long (extend), or the text (note).", show_default=False)
    ] = "",
    runs_dir: Annotated[
        Path,
        typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where run directories are kept."),
    ] = Path("runs"),
    *,
    by: Annotated[str, typer.Option(help="Who asks. [default: the user's name]")] = "",
    wait: Annotated[str, typer.Option(help="How long to wait for the run's answer.")] = "10s",
) -> None:
    """Pause, resume, hold, release, extend, abort or note a run that goes on."""
    from chaosmem import rundir  # noqa: PLC0415
    from chaosmem.run import asking  # noqa: PLC0415

    if value and act not in ("extend", "note"):
        raise UsageError(f"{act} takes no value: {value!r}")
    seconds = _seconds(value or "0") if act == "extend" else 0.0
    text, within = value if act == "note" else "", _seconds(wait)
    found = rundir.find(runs_dir, run_name)
    asked = asking.request(found, act, text=text, seconds=seconds, by=by or user())
    sys.exit(_answer(found, asked, within))


def _seconds(text: str) -> float:
    try:
        return units.parse_duration(text)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem


def user() -> str:
    """The user's name, as far as the system knows it."""
    import getpass  # noqa: PLC0415

    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError):
        return "unknown"


def _answer(run: RunDir, asked: str, within: float) -> int:
    """Print what the run says; 0 done, 2 refused, 3 no answer."""
    from chaosmem.rundir import control  # noqa: PLC0415

    until = time.monotonic() + within
    while (said := control.answered(run, asked)) is None:
        if time.monotonic() >= until:
            waited = units.human_seconds(within)
            typer.echo(f"no answer within {waited}; the request stands: {asked}", err=True)
            return Exit.INCONCLUSIVE
        time.sleep(_POLL)
    return _told(said)


def _told(said: ControlAnswered) -> int:
    reason = f": {said.reason}" if said.reason else ""
    if said.outcome == "refused":
        typer.echo(f"{said.act} refused{reason}", err=True)
        return Exit.USAGE
    typer.echo(f"{said.act} done{reason}")
    return Exit.PASS
