"""Templates into pages: everything escaped, the looks those of the report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, TypeVar

from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from chaosmem import __version__
from chaosmem.errors import ChaosmemError, UsageError
from chaosmem.report import words
from chaosmem.report.document import asset as of_report
from chaosmem.rundir import RunDir
from chaosmem.serve import drawing
from chaosmem.serve.guard import MARK
from chaosmem.serve.hub import Hub
from chaosmem.serve.refusal import Refused
from chaosmem.serve.session import Sessions
from chaosmem.serve.settings import Settings
from chaosmem.serve.shelf import Shelf
from chaosmem.units import human_seconds

_HERE: Final = resources.files("chaosmem.serve")
T = TypeVar("T")
GLYPHS: Final = {
    **{str(outcome): glyph for outcome, glyph in words.GLYPH.items()},
    "running": "●",
    "preparing": "○",
    "killed": "■",
    "not judged": "○",
    "unreadable": "!",
}
STATIC: Final = {
    "serve.js": ("head.js", "format.js", "theme.js"),
    "uplot.js": ("vendor/uplot/uPlot.iife.min.js",),
    "serve.css": ("vendor/uplot/uPlot.min.css", "report.css"),
}
"""What of the report's own scripts and styles goes into each file."""


@dataclass(frozen=True, slots=True)
class Site:
    """What every handler needs."""

    settings: Settings
    sessions: Sessions
    shelf: Shelf
    hub: Hub

    def run(self, request: Request) -> RunDir:
        """The run that the path names; Refused where there is none."""
        names = request.path_params["experiment"], request.path_params["run"]
        found = self.shelf.find(*names)
        if found is None:
            raise Refused(404, f"There is no run {'/'.join(names)} here.")
        return found


def site(request: Request) -> Site:
    """The site that answers this request."""
    found: Site = request.app.state.site
    return found


def page(request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
    """A page from a template."""
    of = site(request)
    session = request.scope.get("session", "")
    text = (
        _environment()
        .get_template(template)
        .render(
            path=request.url.path,
            mark=of.sessions.mark(session),
            mark_name=MARK,
            read_only=of.settings.read_only,
            with_login=not of.sessions.open,
            logged_in=bool(session),
            version=__version__,
            **context,
        )
    )
    return HTMLResponse(text, status)


def told(request: Request, status: int, title: str, text: str, hint: str = "") -> HTMLResponse:
    """A page that only says something."""
    return page(request, "told.html.j2", status, title=title, text=text, hint=hint)


async def problem(request: Request, error: Exception) -> Response:
    """What a handler refused, or found missing, as a page."""
    if isinstance(error, Refused):
        return told(request, error.status, "Not here", error.why)
    if isinstance(error, ChaosmemError):
        status = 400 if isinstance(error, UsageError) else 503
        return told(request, status, "That cannot be shown", str(error), error.hint)
    return told(request, 404, "Not here", "There is no such page.")


async def beside(work: Callable[[], T]) -> T:
    """`work`, which reads files or a database, in a thread: streams go on meanwhile."""
    return await asyncio.to_thread(work)


def back(to: str) -> RedirectResponse:
    """After a form: the page that shows what became of it."""
    return RedirectResponse(to, 303)


def home(request: Request, experiment: str, run: str) -> str:
    """Where a run's pages are."""
    return str(request.app.url_path_for("run", experiment=experiment, run=run))


@cache
def static(name: str) -> bytes:
    """A script or style of the pages; KeyError for no such one."""
    own = _own(f"assets/{name}") if name != "uplot.js" else ""
    if not own and name not in STATIC:
        raise KeyError(name)
    parts = [of_report(part) for part in STATIC.get(name, ())]
    return "\n".join([*parts, own]).encode()


def _own(name: str) -> str:
    place = _HERE.joinpath(name)
    return place.read_text(encoding="utf-8") if place.is_file() else ""


def _template(name: str) -> str | None:
    return _own(f"templates/{name}") or None


@cache
def _environment() -> Environment:
    made = Environment(
        autoescape=True,
        loader=FunctionLoader(_template),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "amount": words.amount,
        "number": words.number,
        "seconds": human_seconds,
        "glyph": lambda word: GLYPHS.get(word, "·"),
        "slug": lambda word: str(word).lower().replace(" ", "-"),
        "day": lambda text: str(text)[:16].replace("T", " "),
    }
    made.globals |= {"words": words, "chart": drawing.chart, "small": drawing.small}
    made.finalize = _shown
    return made


def _shown(value: object) -> object:
    """Every text that a template puts out: unsafe characters shown, markup of ours as it is."""
    return words.plain(value) if type(value) is str else value
