"""Function names: as the Go tool shows them, and made comparable across builds."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from chaosmem.profile.columns import Profile

_VERSION = re.compile(r"/v\d+(?=[./])|@v[^/]+")
_DOT_VERSION = re.compile(r"\.v\d+(?=[./])")
_CLOSURE = re.compile(r"(?:\.func\d+|\.gowrap\d+|\.deferwrap\d+|-range\d+|-fm|\.\d+)+$")


def demangle(profile: Profile) -> Profile:
    """The profile with its functions' names as the tool shows them; `system_name` stays.

    The tool takes a name with brackets for C++ and cuts arguments in parentheses and angle
    brackets out of it, unless it sees the `]).` of a Go method (symbolizer.go,
    demangleSingleFunction). Mangled C++ and Rust names (`_Z`, `_R`) are left as they are.
    """
    functions, strings = profile.functions, profile.strings
    # nearly every name is the linker's and without brackets, and stays as it is
    unusual = np.zeros(len(functions), np.bool_)
    if _bracketed("\n".join(strings)):  # one search of all takes a tenth of one of each
        unusual[:] = [_bracketed(strings[i]) for i in functions.name.tolist()]
    affected = np.flatnonzero((functions.name != functions.system_name) | unusual)
    if not len(affected):
        return profile
    texts = list(strings)
    place: dict[str, int] = {}
    name = functions.name.copy()
    for row in affected.tolist():
        shown = _shown(strings[name[row]], strings[functions.system_name[row]])
        name[row] = place.setdefault(shown, len(texts))
        if name[row] == len(texts):
            texts.append(shown)
    return replace(profile, functions=replace(functions, name=name), strings=tuple(texts))


def _shown(name: str, system_name: str) -> str:
    if name and system_name != name:
        return name
    name = system_name
    if _looks_like_cpp(name):
        name = _without(_without(name, "(", ")"), "<", ">")
    return name


def _looks_like_cpp(name: str) -> bool:
    if ".<" in name or "])." in name:
        return False
    return _bracketed(name)


def _bracketed(name: str) -> bool:
    """Has a bracket or "::"; written out, it takes a fifth of the time of a regular expression."""
    return "[" in name or "<" in name or ">" in name or "]" in name or "::" in name


def _without(name: str, opening: str, closing: str) -> str:
    """`name` without its bracketed parts; unchanged from the first mismatch on."""
    depth = first = at = 0
    while at < len(name):
        if name[at] == opening:
            depth += 1
            first = at if depth == 1 else first
        elif name[at] == closing:
            depth -= 1
            if depth < 0:
                return name
            if depth == 0:
                name = name[:first] + name[at + 1 :]
                at = first - 1
        at += 1
    return name


def normalised(name: str) -> str:
    """A name that stays the same from build to build.

    Type arguments become `[...]`, module versions leave the path, and closures (`.func1`,
    `.gowrap2`, `-range1`) become the function that they are written in:
    `m/v2/p.F[go.shape.int].func1.2` is `m/p.F[...]`.
    """
    name = _CLOSURE.sub("", _generic(name))
    return _DOT_VERSION.sub("", _VERSION.sub("", name))


def _generic(name: str) -> str:
    """Every outermost `[...]` of a name, however deeply its arguments nest, as `[...]`."""
    if "[" not in name:
        return name
    out: list[str] = []
    depth = 0
    for character in name:
        if character == "[":
            depth += 1
            if depth == 1:
                out.append("[...]")
        elif character == "]" and depth:
            depth -= 1
        elif not depth:
            out.append(character)
    return "".join(out)
