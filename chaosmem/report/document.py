"""Self-contained HTML pages: no request leaves one, and nothing in it is trusted.

Text is escaped by jinja2 (autoescape), data is embedded as JSON that no markup can end, and a
Content-Security-Policy lets only the page's own script and style run, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from chaosmem.report import rows, words
from chaosmem.units import human_seconds

if TYPE_CHECKING:  # the other reports do without jinja2's 40 ms
    from jinja2 import Environment

_ASSETS: Final = resources.files("chaosmem.report") / "assets"
_HEAD = "head.js"
_PARTS = ("format.js", "theme.js")


def document(
    template: str,
    scripts: Sequence[str],
    styles: Sequence[str],
    data: Mapping[str, object],
    **context: object,
) -> str:
    """A page, UTF-8.

    Args:
        template: a template that extends `base.html.j2`.
        scripts: its scripts in order, beside those that every page has.
        styles: its style sheets in order.
        data: what its scripts read, by the id of the element that holds it.
        context: what the template shows.
    """
    texts = [Markup(asset(name)) for name in (_HEAD, *_PARTS, *scripts)]  # noqa: S704 - our own
    style = Markup("\n".join(asset(name) for name in styles))  # noqa: S704 - our own
    return (
        _environment()
        .get_template(template)
        .render(
            scripts=texts,
            style=style,
            policy=_policy(texts, [style]),
            data=[(name, embedded(value)) for name, value in data.items()],
            **context,
        )
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
        "short": words.short,
        "short_trial": rows.short_trial,
        "signed": words.signed,
        "tallied": rows.tallied,
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
