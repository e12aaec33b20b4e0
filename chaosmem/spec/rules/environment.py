"""Rules about what the Go runtime reads from its environment: GODEBUG, GOGC, GOMEMLIMIT; secrets.

Go reads all of it once, at start. A bad GOMEMLIMIT ends the program; a bad GOGC or an unknown
GODEBUG name is silently ignored, and the experiment would compare nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from chaosmem import units
from chaosmem.spec.checks import NextGcPrediction
from chaosmem.spec.errors import Path, did_you_mean
from chaosmem.spec.faults import LoadFault, RuntimeFault
from chaosmem.spec.rules import godebug
from chaosmem.spec.rules.draft import Complaint, Draft, Rule, of_kind, warning

_GO_LIMIT: Final = re.compile(r"\d+(B|KiB|MiB|GiB|TiB)?|off")
_SECRET: Final = re.compile(
    r"token|secret|passw(or)?d|api_?key|private_?key|credential", re.IGNORECASE
)
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "x-api-key", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class _Settings:
    """Environment-like settings of one place: plain variables, or GODEBUG names."""

    path: Path
    values: Mapping[str, str]


def _environments(draft: Draft) -> Iterator[_Settings]:
    if draft.target and draft.target.process:
        yield _Settings(("target", "process", "env"), draft.target.process.env)
    for i, arm in draft.arms:
        yield _Settings(("arms", i, "env"), arm.env)


def _godebugs(draft: Draft) -> Iterator[_Settings]:
    """Every GODEBUG of the spec, whether written as text of a variable or as a mapping."""
    for env in _environments(draft):
        if "GODEBUG" in env.values:
            pairs = dict(godebug.settings(env.values["GODEBUG"]))
            yield _Settings((*env.path, "GODEBUG"), pairs)
    for i, arm in draft.arms:
        yield _Settings(("arms", i, "godebug"), arm.godebug)
    for i, fault in of_kind(draft.faults, RuntimeFault):
        yield _Settings(("faults", i, "runtime", "godebug"), fault.godebug)


def gomemlimit_is_read_by_go(draft: Draft) -> Iterator[Complaint]:
    """A malformed GOMEMLIMIT ends the program at start."""
    for env in _environments(draft):
        text = env.values.get("GOMEMLIMIT")
        if text is not None and not _GO_LIMIT.fullmatch(text):
            path = (*env.path, "GOMEMLIMIT")
            yield Complaint(path, f"GOMEMLIMIT={text} is fatal to Go at start; {_mended(text)}")


def _mended(text: str) -> str:
    if binary := re.fullmatch(r"(\d+) ?([KMGT])(i|B|b)?", text):
        return f"write {binary[1]}{binary[2]}iB"
    try:
        return f"write {units.format_bytes(units.parse_bytes(text))}"
    except ValueError:
        return "write for example 512MiB, or off"


def gogc_is_read_by_go(draft: Draft) -> Iterator[Complaint]:
    """Go silently ignores a malformed GOGC."""
    for env in _environments(draft):
        text = env.values.get("GOGC")
        if text is not None and not re.fullmatch(r"-?\d+|off", text):
            message = f"Go silently ignores GOGC={text}; write a percentage like 100, or off"
            yield Complaint((*env.path, "GOGC"), message)


def godebug_names_are_known(draft: Draft) -> Iterator[Complaint]:
    """Go silently ignores a GODEBUG name that it does not know."""
    for place in _godebugs(draft):
        for name in place.values:
            if name in godebug.IGNORED_SINCE:
                since = godebug.IGNORED_SINCE[name]
                message = f"Go ignores the GODEBUG setting {name} since {since}; leave it out"
                yield Complaint(_setting(place, name), message)
            elif not godebug.is_known(name):
                yield _unknown_setting(_setting(place, name), name)


def _setting(place: _Settings, name: str) -> Path:
    return place.path if place.path[-1] == "GODEBUG" else (*place.path, name)


def _unknown_setting(path: Path, name: str) -> Complaint:
    guess = did_you_mean(name, sorted(godebug.KNOWN))
    silent = f"Go silently ignores the unknown GODEBUG setting {name!r}"
    if guess:
        return Complaint(path, f"{silent}; did you mean {guess}?")
    return warning(path, f"{silent}, and no Go from 1.21 to 1.27 knows it")


def removed_settings_end_the_program(draft: Draft) -> Iterator[Complaint]:
    """Newer Go ends at start when a removed setting asks for the old behaviour."""
    for place in _godebugs(draft):
        for name, value in place.values.items():
            since, old = godebug.FATAL_SINCE.get(name, ("", frozenset()))
            if value in old:
                message = (
                    f"a program built with Go {since} or later ends at start with {name}={value},"
                    " because the setting was removed; leave it out unless its Go is older"
                )
                yield warning(_setting(place, name), message)


def harmful_settings_are_refused(draft: Draft) -> Iterator[Complaint]:
    """Some settings end the program or its use of memory as it is known."""
    for place in _godebugs(draft):
        for name, value in place.values.items():
            if value in {"", "0"}:
                continue
            if name in godebug.HARMFUL:
                message = f"{name}={value} {godebug.HARMFUL[name]}; leave it out"
                yield Complaint(_setting(place, name), message)
            if name in godebug.NEVER_FREES:
                message = (
                    f"with {name}={value} the heap is never reused: memory grows until the OOM"
                    " killer comes, and no heap check can pass"
                )
                yield warning(_setting(place, name), message)


def pacer_and_scavenger_traces_hang(draft: Draft) -> Iterator[Complaint]:
    """Go 1.26 and 1.27 deadlock when both traces are on.

    Measured: 11 of 25 runs of 1.26.0 and 14 of 25 of 1.27.3; the sweeper prints while it holds the
    heap lock, and the pacer's print needs the heap lock to grow its stack.
    """
    own = [p for p in _godebugs(draft) if p.path[0] in {"target", "faults"}]
    arms = [[p for p in _godebugs(draft) if p.path[:2] == ("arms", i)] for i, _ in draft.arms]
    for places in arms or [[]]:
        blamed = _both_traces([*own, *places])
        if blamed:
            yield Complaint(
                blamed,
                "gcpacertrace with scavtrace deadlocks Go 1.26 and 1.27; trace one of the two"
                " (gctrace goes well with either)",
            )


def _both_traces(places: list[_Settings]) -> Path | None:
    """Where the second of the two traces is switched on, if both are on in the end."""
    traces: dict[str, Path] = {}
    for place in places:
        for name in ("gcpacertrace", "scavtrace"):
            value = place.values.get(name)
            if value is not None:
                traces.pop(name, None)
                if value not in {"", "0"}:
                    traces[name] = _setting(place, name)
    return list(traces.values())[-1] if len(traces) > 1 else None


def gctrace_is_needed(draft: Draft) -> Iterator[Complaint]:
    """Where the heap landed at mark termination is in gctrace lines only."""
    process = draft.target.process if draft.target else None
    needed = any(True for _ in of_kind(draft.checks, NextGcPrediction))
    if process and needed and not process.gctrace:
        yield Complaint(
            ("target", "process", "gctrace"),
            "next-gc-prediction needs gctrace: where the heap lands at the end of mark is in no"
            " other record of Go; delete gctrace: false, or the check",
        )


def gctrace_stays_on(draft: Draft) -> Iterator[Complaint]:
    """A GODEBUG that switches gctrace off would contradict `gctrace: true`."""
    for place in _godebugs(draft):
        if place.values.get("gctrace") == "0":
            message = (
                "gctrace=0 would take the GC cycles out of the evidence; leave it out,"
                " or write target.process.gctrace: false"
            )
            yield Complaint(_setting(place, "gctrace"), message)


def secrets_stay_outside(draft: Draft) -> Iterator[Complaint]:
    """The spec is kept with every run and in every report; a secret must not be in it."""
    for env in _environments(draft):
        for name, value in env.values.items():
            if value and _SECRET.search(name):
                yield Complaint((*env.path, name), _secret(name))
    for i, load in of_kind(draft.faults, LoadFault):
        for j, request in enumerate(load.mix):
            for name in request.headers:
                if name.lower() in _SECRET_HEADERS:
                    path: Path = ("faults", i, "load", "mix", j, "headers", name)
                    message = "a secret here would be kept with every run; use a path without login"
                    yield Complaint(path, f"{name}: {message}")


def _secret(name: str) -> str:
    if name == "CHAOSMEM_AGENT_TOKEN":
        return "leave the agent's token out; chaosmem makes one for each process that it starts"
    return (
        f"{name} looks like a secret, and a spec is kept with every run; delete it here and set it"
        " in the environment of chaosmem, which the process inherits"
    )


RULES: tuple[Rule, ...] = (
    gomemlimit_is_read_by_go,
    gogc_is_read_by_go,
    godebug_names_are_known,
    removed_settings_end_the_program,
    harmful_settings_are_refused,
    pacer_and_scavenger_traces_hang,
    gctrace_is_needed,
    gctrace_stays_on,
    secrets_stay_outside,
)
