"""One self-contained HTML page: no request leaves it, and nothing in it is trusted.

Text is escaped by jinja2 (autoescape), data is embedded as JSON that no markup can end, and a
Content-Security-Policy lets only the page's own script and style run, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from chaosmem.evidence.model import Evidence
from chaosmem.report import words
from chaosmem.report.charts import Chart, rounding
from chaosmem.report.page import Page, TrialView, page, place
from chaosmem.report.stacks import Flame
from chaosmem.units import human_seconds
from chaosmem.verify.model import Finding, Pointer, Verdict

if TYPE_CHECKING:  # the other reports do without jinja2's 40 ms
    from jinja2 import Environment

_ASSETS: Final = resources.files("chaosmem.report") / "assets"
_SCRIPTS = (
    "head.js",
    "vendor/uplot/uPlot.iife.min.js",
    "format.js",
    "charts.js",
    "flame.js",
    "page.js",
)
_STYLES = ("vendor/uplot/uPlot.min.css", "report.css")
_MOST_CYCLES = 3_000  # marks of GC cycles in all trials together


def html(verdict: Verdict, evidence: Evidence) -> str:
    """The report as one HTML document, UTF-8."""
    made = page(verdict, evidence)
    environment = _environment()
    scripts = [Markup(asset(name)) for name in _SCRIPTS]  # noqa: S704 - our own files
    style = Markup("\n".join(asset(name) for name in _STYLES))  # noqa: S704 - our own files
    return environment.get_template("report.html.j2").render(
        page=made,
        verdict=verdict,
        evidence=evidence,
        scripts=scripts,
        style=style,
        policy=_policy(scripts, [style]),
        data=[(trial.id, embedded(_trial(trial, len(made.trials)))) for trial in made.trials],
        place=lambda finding, pointer: _place(made, finding, pointer),
        jump=lambda finding, pointer: _jump(made, finding, pointer),
    )


@cache
def asset(name: str) -> str:
    """A file of the package's `assets`."""
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - see above

    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(asset),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": words.amount,
        "number": words.number,
        "plain": words.plain,
        "seconds": human_seconds,
        "glyph": words.GLYPH.__getitem__,
    }
    environment.globals |= {"words": words}
    environment.finalize = _shown
    return environment


def _shown(value: object) -> object:
    """Every text that the template puts out: unsafe characters shown, markup of ours as it is."""
    return words.plain(value) if type(value) is str else value


def _policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)};"
        " base-uri 'none'; form-action 'none'"
    )


def _hashes(parts: Sequence[str]) -> str:
    digests = (hashlib.sha256(part.encode()).digest() for part in parts)
    return " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests)


def embedded(value: object) -> Markup:
    """`value` as JSON inside a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)  # noqa: S704 - json.dumps is ASCII only, and the three marks are gone


def _trial(view: TrialView, trials: int) -> dict[str, object]:
    start = view.span.start
    cycles = view.trial.cycles
    step = max(1, -(-len(cycles) * trials // _MOST_CYCLES)) if len(cycles) else 1
    return {
        "seconds": max(round(view.span.seconds, 3), 0.001),
        "phases": [
            [str(phase), round(w.start - start, 3), round(w.end - start, 3)]
            for phase, w in view.trial.phases.items()
        ],
        "fault": view.fault,
        "captures": [
            [round(c.begin - start, 3), f"{c.profile} capture"]
            for c in view.trial.captures
            if not c.error
        ],
        "cycles": [
            [int(n), round(float(t) - start, 3)]
            for n, t in zip(cycles["n"][::step], cycles["t"][::step], strict=True)
        ]
        if len(cycles)
        else [],
        "charts": [_chart(c) for c in view.charts],
        "flames": [_flame(f) for f in view.flames],
    }


def _chart(chart: Chart) -> dict[str, object]:
    written = rounding(chart.unit)
    return {
        "id": chart.id,
        "title": chart.title,
        "unit": chart.unit,
        "band": chart.band,
        "deadline": chart.deadline,
        "lines": [
            {"label": line.label, "role": line.role, "step": line.step}
            for group in chart.columns
            for line in group.lines
        ],
        "groups": [
            [[round(float(t), 3) for t in group.t], *(written(v) for v in group.v)]
            for group in chart.columns
        ],
    }


def _flame(flame: Flame) -> dict[str, object]:
    return {
        "title": flame.title,
        "note": flame.note,
        "growth": flame.growth,
        "names": [words.plain(name) for name in flame.names],
        "name": flame.name,
        "parent": flame.parent,
        "value": flame.value,
        "before": flame.before,
        "after": flame.after,
    }


def _place(made: Page, finding: Finding, pointer: Pointer) -> str:
    return place(made.trials, finding, pointer)


def _jump(made: Page, finding: Finding, pointer: Pointer) -> tuple[str, float, float] | None:
    """Where the time lines show that evidence: trial, and its interval in seconds of the trial."""
    own = next((t for t in made.trials if t.trial.key == finding.trial_key), None)
    if own is None or pointer.start is None or not own.charts:
        return None
    end = pointer.start if pointer.end is None else pointer.end
    return own.id, round(pointer.start - own.span.start, 3), round(end - own.span.start, 3)
