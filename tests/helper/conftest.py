"""The helper and its target, built once; a container a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaosmem.clock import RunClock
from chaosmem.drivers import gotool
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.helper import HelperSample, HelperSource
from chaosmem.drivers.http import Http
from tests.helper.harness import TOKEN, Container, Started, build, container, helper, tree


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The helper and the service."""
    out = tmp_path_factory.mktemp("bin")
    return (
        build(gotool.builtin_module(), "./helper", out / "helper"),
        build(Path(__file__).parent / "target", ".", out / "target"),
    )


@pytest.fixture
def target(programs: tuple[Path, Path]) -> Iterator[Container]:
    """A container of 256 MiB whose service holds 40 MiB."""
    with tree() as top, container(top, programs[1]) as made:
        made.tell(f"grow {40 * 2**20} 0")
        yield made


@dataclass
class Spoken:
    """A helper and the two clients that chaosmem speaks to it by."""

    started: Started
    agent: Agent
    source: HelperSource

    async def sample(self) -> HelperSample:
        return (await self.source.sample(timeout=5))[1]

    async def until(
        self, what: str, holds: Callable[[HelperSample], bool], *, within: float = 5.0
    ) -> HelperSample:
        """The first sample for which it holds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            sample = await self.sample()
            if holds(sample):
                return sample
            assert loop.time() < end, f"not within {within} s: {what}: {sample}"
            await asyncio.sleep(0.01)

    async def press(self, *, ttl: float = 30.0, deadline: float = 60.0, **body: object) -> None:
        """A lease and a stress."""
        await self.agent.lease(ttl=ttl, deadline=deadline)
        await self.agent.act("memory", body)


Speak = Callable[..., contextlib.AbstractAsyncContextManager[Spoken]]


@contextlib.asynccontextmanager
async def _speak(
    program: Path, target: Container, *flags: str, seconds: float = 60, run: str = "r1"
) -> AsyncIterator[Spoken]:
    with helper(program, target, *flags, seconds=seconds) as started:
        async with Http(started.url, RunClock.start(), connections=2) as http:
            agent = Agent(http, path="", token=TOKEN, run_id=run)
            yield Spoken(started, agent, HelperSource(http, token=TOKEN))


@pytest.fixture
def speak(programs: tuple[Path, Path], target: Container) -> Speak:
    """Start a helper for the target and speak to it."""

    def start(
        *flags: str, seconds: float = 60, of: Container | None = None
    ) -> contextlib.AbstractAsyncContextManager[Spoken]:
        return _speak(programs[0], of or target, *flags, seconds=seconds)

    return start
