"""`verify`, `show`, `list`, `report`: what is in run directories."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

from chaosmem import evidence, plugins, report, rundir, verify
from chaosmem.errors import ChaosmemError, RunDirError, UsageError
from chaosmem.evidence import Evidence
from chaosmem.rundir import RunDir, layout
from chaosmem.verify import Outcome, Verdict

FORMATS = ("html", "text", "json", "markdown", "junit")
"""Reports of chaosmem's own; plugins have more."""


def judged(found: RunDir) -> tuple[Evidence, Verdict]:
    """The evidence of a run and the verdict computed from it now."""
    seen = evidence.load(found)
    return seen, verify.verify(seen)


def trial_summary(found: RunDir, key: str) -> str:
    """One line on the trial `key` of a run that may still go on."""
    findings = [f for f in judged(found)[1].findings if f.trial_key == key]
    bad = [f"{f.outcome} {f.name}: {f.observed}" for f in findings if f.outcome != Outcome.PASS]
    return "; ".join([f"{len(findings) - len(bad)} of {len(findings)} checks pass", *bad])


def keep_verdict(found: RunDir, verdict: Verdict) -> None:
    """Write verdict.json into the run directory."""
    found.write(layout.VERDICT, verify.to_json(verdict))


def keep_report(found: RunDir, seen: Evidence, verdict: Verdict) -> None:
    """Write report.html into the run directory."""
    found.write(layout.REPORT, report.html(verdict, seen).encode())


def render(output: str, seen: Evidence, verdict: Verdict, directory: str = "") -> bytes:
    """A report in that format."""
    match output:
        case "json":
            return verify.to_json(verdict)
        case "junit":
            return report.junit(verdict, seen)
        case "markdown":
            return report.markdown(verdict, seen).encode()
        case "html":
            return report.html(verdict, seen).encode()
        case name if name not in FORMATS:
            rendered: bytes = plugins.call(plugins.reporters()[name].render)(verdict, seen)
            return rendered
        case _:
            return text(seen, verdict, directory).encode()


def text(seen: Evidence, verdict: Verdict, directory: str = "") -> str:
    """The report for this terminal; `directory` is where its files are."""
    import os  # noqa: PLC0415
    import shutil  # noqa: PLC0415

    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = shutil.get_terminal_size((100, 24)).columns
    return report.text(verdict, seen, color=color, width=width, directory=directory)


def verify_run(base: Path, name: str, output: str, *, write: bool) -> int:
    """Recompute, compare with what is on disk, print; the verdict's exit code."""
    found = rundir.find(base, name)
    seen, verdict = judged(found)
    fresh = verify.to_json(verdict)
    if found.has(layout.VERDICT):
        same = found.read(layout.VERDICT) == fresh
        words = "the same, byte for byte" if same else "NOT the same as verdict.json of the run"
        typer.echo(f"recomputed: {words}", err=True)
    if write:
        keep_verdict(found, verdict)
        keep_report(found, seen, verdict)
    emit(render(output, seen, verdict, str(found.root)))
    return verdict.exit_code


def emit(data: bytes) -> None:
    """Write to stdout as it is."""
    sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")
    sys.stdout.buffer.flush()


def report_run(base: Path, name: str, output: str, out: Path | None) -> None:
    """Write a report to a file or stdout; UsageError where nobody makes that format."""
    if output not in (*FORMATS, *plugins.reporters()):
        known = ", ".join((*FORMATS, *plugins.reporters()))
        raise UsageError(f"there is no report format {output!r}", hint=f"known: {known}")
    found = rundir.find(base, name)
    seen, verdict = judged(found)
    data = render(output, seen, verdict, str(found.root))
    place = out or (found.path(layout.REPORT) if output == "html" else None)
    if place is None:
        emit(data)
        return
    try:
        place.write_bytes(data)
    except OSError as problem:
        raise UsageError(f"cannot write {place}: {problem.strerror}") from problem
    typer.echo(str(place))


def show_run(base: Path, name: str) -> None:
    """The verdict, then what happened when."""
    found = rundir.find(base, name)
    seen, verdict = judged(found)
    typer.echo(text(seen, verdict, str(found.root)).rstrip())
    typer.echo("\nwhat happened")
    from chaosmem.cli.lines import sentence  # noqa: PLC0415
    from chaosmem.rundir.journal import decode  # noqa: PLC0415

    for line in decode(found.read(layout.JOURNAL)).lines:
        words = sentence(line.entry)
        if words:
            typer.echo(f"{line.entry.t:9.3f} s  {line.entry.trial:<14} {words}")


def list_runs(base: Path, experiment: str, output: str) -> None:
    """A line for each run."""
    rows = [_row(r) for r in rundir.runs(base) if experiment in ("", r.experiment)]
    if output == "json":
        typer.echo(json.dumps(rows, indent=1))
        return
    if not rows:
        typer.echo(f"no runs under {base}; `chaosmem run SPEC` makes one", err=True)
    for row in rows:
        typer.echo(f"{row['run']:<26} {row['outcome']:<13} {row['experiment']:<24} {row['says']}")


def _row(found: RunDir) -> dict[str, str]:
    row = {"run": found.run_id, "experiment": found.experiment, "outcome": "-", "says": ""}
    try:
        verdict = verify.from_json(found.read(layout.VERDICT))
    except RunDirError:
        return row | {"says": "not verified; `chaosmem verify` gives its verdict"}
    except (ChaosmemError, ValueError) as problem:
        return row | {"says": f"verdict.json cannot be read: {problem}"}
    return row | {"outcome": str(verdict.outcome), "says": verdict.says}
