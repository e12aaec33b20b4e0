"""A look at one chosen pod: how it is reached, and what its Go process says of itself."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Final

from chaosmem import units
from chaosmem.drivers.http import Http
from chaosmem.drivers.kube.podmodel import Container, Pod
from chaosmem.drivers.kube.transport import Route, open_route
from chaosmem.errors import ChaosmemError, ProbeFailed
from chaosmem.plan.model import PlannedPod
from chaosmem.run.diagnose import Ailment, examine
from chaosmem.run.diagnose_cluster import Look
from chaosmem.run.target import Use, declared_port
from chaosmem.run.tokens import pod_token
from chaosmem.run.wires import find_agent

_SECONDS: Final = 5.0
_GO_VERSION: Final = re.compile(rb'^go_info\{version="([^"]+)"\}', re.MULTILINE)
_USES: Final[tuple[Use, ...]] = ("service", "agent", "metrics", "pprof")


@dataclass(frozen=True, slots=True)
class Sides:
    """A pod that can be spoken to: one route a port."""

    look: Look
    planned: PlannedPod
    routes: dict[int, Route]
    token: str = ""

    def port(self, use: Use) -> int:
        """The port of one side."""
        return declared_port(self.look.experiment.target, use) or self.planned.port

    def http(self, use: Use, *, keep: bool) -> Http:
        """Connections through the chosen transport."""
        return self.routes[self.port(use)].http(keep=keep)


async def target(look: Look, planned: PlannedPod, pod: Pod) -> list[Ailment]:
    """Everything of one pod."""
    async with contextlib.AsyncExitStack() as stack:
        sides = Sides(look, planned, {})
        ports = sorted({sides.port(use) for use in _USES})
        found = [await _reach(stack, sides, pod, port) for port in ports]
        if not all(ailment.well for ailment in found):
            return found
        token, trouble = await _token(look, planned)
        spoken = Sides(look, planned, sides.routes, token)
        found += trouble + await examine(look.experiment, spoken)
        return found + await _settings(spoken, pod.container(planned.container))


async def _reach(stack: contextlib.AsyncExitStack, sides: Sides, pod: Pod, port: int) -> Ailment:
    look, what = sides.look, f"port {port}"
    pprof = look.experiment.target.pprof
    route = open_route(
        look.cluster,
        pod,
        port,
        look.clock,
        wanted=look.spec.transport,
        probe=pprof.path if pprof else "/",
    )
    try:
        sides.routes[port] = await stack.enter_async_context(route)
    except ChaosmemError as problem:
        return Ailment.of(what, problem)
    choice = sides.routes[port].choice
    return Ailment(what, well=True, found=f"reached by {choice.transport}: {choice.reason}")


async def _token(look: Look, planned: PlannedPod) -> tuple[str, list[Ailment]]:
    access = look.experiment.target.agent
    if access is None:
        return "", []
    try:
        return await pod_token(look.cluster, access, planned.namespace), []
    except ChaosmemError as problem:
        return "", [Ailment.of("agent's token", problem)]


# --- settings of the Go runtime


async def _settings(sides: Sides, container: Container) -> list[Ailment]:
    async with sides.http("agent", keep=False) as http:
        agent, info, _ = await find_agent(sides.look.experiment, http, sides.token, "doctor")
    declared = {e.name: e.value if e.value is not None else f"({e.source})" for e in container.env}
    if info is not None and agent is not None:
        limit = None if info.gomemlimit >= 2**62 else info.gomemlimit
        return [_limit(limit, container), _gctrace(declared, agent=True)]
    limit = _declared_limit(declared.get("GOMEMLIMIT", ""))
    return [
        await _version(sides),
        _environment(declared),
        _limit(limit, container),
        _gctrace(declared, agent=False),
    ]


async def _version(sides: Sides) -> Ailment:
    access = sides.look.experiment.target.metrics
    if access is not None:
        async with sides.http("metrics", keep=False) as http:
            with contextlib.suppress(ProbeFailed):
                body = (await http.get(access.path, timeout=_SECONDS)).body
                if match := _GO_VERSION.search(body):
                    return Ailment("go version", well=True, found=match[1].decode())
    return Ailment(
        "go version",
        well=False,
        found="nothing tells it: no agent, and no go_info among the metrics",
        mend="register client_golang's Go collector, or mount chaosmem/agent",
        needed=False,
    )


def _environment(declared: dict[str, str]) -> Ailment:
    said = [f"{n}={declared[n]}" for n in ("GOGC", "GOMEMLIMIT", "GODEBUG") if n in declared]
    found = ", ".join(said) or "GOGC, GOMEMLIMIT and GODEBUG are not set on the container"
    return Ailment("go environment", well=True, found=found)


def _declared_limit(text: str) -> int | None:
    """Bytes of GOMEMLIMIT as Go reads it (digits, then B, KiB, MiB, GiB or TiB); else None."""
    match = re.fullmatch(r"(\d+)(B|[KMGT]iB)?", text)
    if match is None:
        return None
    power = "BKMGT".index((match[2] or "B")[0])
    return int(match[1]) << 10 * power


def _limit(gomemlimit: int | None, container: Container) -> Ailment:
    """GOMEMLIMIT knows only the Go runtime's memory, so it has to stay below the container's."""
    what, most = "GOMEMLIMIT", container.memory_limit
    if most is None:
        return Ailment(what, well=True, found="the container has no limit to compare it with")
    if gomemlimit is None:
        found = f"none, though the container's limit is {units.human_bytes(most)}"
        mend = f"for example GOMEMLIMIT={most * 9 // 10 // 2**20}MiB, 90 % of the limit"
        return Ailment(what, well=False, found=found, mend=mend, needed=False)
    share = gomemlimit / most
    return Ailment(
        what,
        well=share <= 1,
        found=f"{units.human_bytes(gomemlimit)}, {share:.0%} of the container's limit",
        mend="set it below the limit: above it the kernel acts first",
        needed=False,
    )


def _gctrace(declared: dict[str, str], *, agent: bool) -> Ailment:
    on = "gctrace=1" in declared.get("GODEBUG", "").split(",")
    other = "the agent gives the GC cycles" if agent else "single GC cycles are not seen"
    return Ailment(
        "gctrace",
        well=on or agent,
        found="on: every GC cycle is in the log" if on else f"off: {other}",
        mend="set GODEBUG=gctrace=1 on the container, or mount chaosmem/agent",
        needed=False,
    )
