"""Targets on this machine: a process that is owned, or an endpoint that is attached to."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chaosmem.clock import RunClock
from chaosmem.drivers import process, procfs
from chaosmem.drivers.http import Http
from chaosmem.drivers.sources import Source
from chaosmem.errors import ChaosmemError, ProbeFailed, TargetError, TargetGone
from chaosmem.faults.base import PodScene
from chaosmem.plan.environment import merge, process_environment
from chaosmem.run.lease import Holder
from chaosmem.run.target import Changed, Use, at_port, declared_port
from chaosmem.run.tokens import read_token
from chaosmem.run.undo import Ledger, Promise
from chaosmem.rundir.events import FinishByPlugin, ReleaseAgent, StopMarked
from chaosmem.spec.base import Phase
from chaosmem.spec.model import Arm
from chaosmem.spec.target import ProcessTarget, Target

TOKEN = "CHAOSMEM_AGENT_TOKEN"  # noqa: S105 - the variable's name, not a token
_READY_POLL = 0.01
_LAST_LINES = 5

Restart = Callable[[Mapping[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a local target is given.

    Attributes:
        target: the whole declaration.
        key: the trial's key.
        changed: told of every change of the target.
    """

    target: Target
    key: str
    run_id: str
    clock: RunClock
    changed: Changed


class _Local:
    """What is reached by an address of this machine, or of the network around it."""

    watches_itself = False
    restart: Restart | None = None

    def __init__(self, ground: Ground, url: str, token: str, name: str) -> None:
        self._ground = ground
        self._clock, self._changed = ground.clock, ground.changed
        self.url, self.token, self.name = url, token, name
        self.gone = asyncio.Event()

    def http(self, use: Use, *, keep: bool) -> Http:
        """Connections to one of its sides."""
        url = at_port(self.url, declared_port(self._ground.target, use))
        return Http(url, self._clock, keep=keep)

    def holders(self) -> tuple[Holder, ...]:
        """The agent, where one is declared."""
        access = self._ground.target.agent
        if access is None:
            return ()
        undo = ReleaseAgent(
            run_id=self._ground.run_id,
            url=at_port(self.url, access.port) + access.path,
            token_env=access.token_env,
            token_file=access.token_file or "",
        )
        return (Holder("agent", undo),)

    def beside(self) -> tuple[Source, ...]:
        """Nothing: /proc is read by pid."""
        return ()

    def pod_scene(self) -> PodScene | None:
        """It is no pod."""
        return None

    async def settled(self, _: Phase) -> None:
        """Nothing is on its way after its start."""


class OwnedTarget(_Local):
    """A process that chaosmem starts, watches and stops."""

    watches_itself = True

    def __init__(
        self,
        ground: Ground,
        spec: ProcessTarget,
        arm: Arm,
        program: tuple[str, ...],
        *,
        cwd: Path,
        log: Path,
    ) -> None:
        self._spec, self._program, self._cwd, self._log = spec, program, cwd, log
        self._process: process.OwnedProcess | None = None
        self._ours = False
        self._ports = self._choose_ports()
        url = f"http://127.0.0.1:{self._ports['port']}"
        super().__init__(ground, url, secrets.token_urlsafe(24), "process")
        self.restart = self._restart
        own = {process.MARK: ground.run_id, TOKEN: self.token, "PORT": str(self._ports["port"])}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CHAOSMEM_")}
        base = process_environment(inherited, spec, arm, own=own)
        self._env = {k: self._fill(v) for k, v in base.items()}

    def _choose_ports(self) -> dict[str, int]:
        port = self._spec.port
        if port == "auto":
            return {"port": process.free_port(), "debugPort": process.free_port()}
        if process.port_in_use(port):
            raise TargetError(
                f"port {port} of 127.0.0.1 is in use by something else",
                hint="end it, or write `port: auto` and use {port} in `args`",
            )
        return {"port": port, "debugPort": process.free_port()}

    def _fill(self, text: str) -> str:
        for name, port in self._ports.items():
            text = text.replace("{" + name + "}", str(port))
        return text

    @property
    def pid(self) -> int | None:
        """Its pid while it runs."""
        running = self._process is not None and self._process.running
        return self._process.pid if running and self._process else None

    def environment(self) -> Mapping[str, str]:
        """The environment as the kernel has it."""
        try:
            raw = Path(f"/proc/{self.pid}/environ").read_bytes()
        except OSError as problem:
            raise TargetGone("the process is gone") from problem
        pairs = (item.decode("utf-8", "replace").partition("=") for item in raw.split(b"\0"))
        return {name: value for name, equals, value in pairs if equals}

    async def start(self, ledger: Ledger) -> None:
        """Start it and wait until it is ready; the promise to stop it comes first."""
        undo = StopMarked(run_id=self._ground.run_id)
        key = self._ground.key
        await ledger.promise(Promise(f"{key}.process", key, "stop the target process", undo))
        self._launch({})
        await self._ready()

    def _launch(self, changes: Mapping[str, str]) -> None:
        argv = tuple(self._fill(a) for a in (*self._program, *self._spec.args))
        command = process.Command(argv, merge(self._env, changes), self._cwd, self._log)
        self._ours = False
        self._process = process.start(command, self._on_exit)
        self._changed("started", self._process.pid, True, "")

    def _on_exit(self, code: int) -> None:
        pid = self._process.pid if self._process else None
        detail = _exit_words(code)
        if not self._ours:
            self._changed(self._exit_state(code), pid, False, detail)
            self.gone.set()
            return
        self._changed("stopped", pid, True, detail)

    def _exit_state(self, code: int) -> str:
        """OOM-killed, where SIGKILL came and the cgroup counts one more OOM kill than before."""
        before = self._process.oom_kills if self._process else None
        now = procfs.oom_kills(os.getpid())
        killed = code == -signal.SIGKILL and before is not None and now is not None
        return "oom-killed" if killed and now > before else "exited"  # type: ignore[operator]

    async def _ready(self) -> None:
        ready = self._spec.ready
        deadline = self._clock.now() + ready.within
        async with Http(self.url, self._clock, keep=False) as http:
            why = "it never answered"
            while self._clock.now() < deadline:
                if self.gone.is_set():
                    raise TargetGone(f"the target ended before it was ready{self._last_words()}")
                try:
                    await http.get(ready.http, timeout=min(1.0, ready.within))
                except ProbeFailed as problem:
                    why = str(problem)
                    await asyncio.sleep(_READY_POLL)
                else:
                    self._changed("ready", self.pid, True, "")
                    return
        self._changed("never-ready", self.pid, False, why)
        raise TargetError(
            f"the target was not ready within {ready.within:g} s: {why}{self._last_words()}",
            hint="set target.process.ready.http to a path that answers 2xx, or ready.within higher",
        )

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:]
        except OSError:
            return ""
        return "".join(f"\n    | {line}" for line in lines)

    async def _restart(self, changes: Mapping[str, str]) -> None:
        """End it and start it again with `changes` merged into its original environment."""
        await self._end()
        self._launch(changes)
        await self._ready()
        self._changed("restarted", self.pid, True, "")

    async def stop(self, ledger: Ledger) -> None:
        """End it by its declared signal, SIGKILL after its grace; what acted inside ends too."""
        key = self._ground.key
        try:
            await self._end()
        except ChaosmemError as problem:
            ledger.failed(f"{key}.process", str(problem))
            return
        for promise in ledger.of_trial(key):
            if isinstance(promise.undo, FinishByPlugin):
                continue  # what it changed need not be in the process: its plugin's undo says so
            by = "run" if promise.id == f"{key}.process" else "process-ended"
            ledger.done(promise.id, by=by)

    async def _end(self) -> None:
        if self._process is None or not self._process.running:
            return
        self._ours = True
        stop = self._spec.stop
        await self._process.stop(signal.Signals[stop.signal], grace=stop.grace)


def _exit_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"


class EndpointTarget(_Local):
    """Something already running; chaosmem neither starts nor stops it."""

    def __init__(self, ground: Ground, url: str, pid: int | None) -> None:
        access = ground.target.agent
        token = read_token(access) if access else ""
        super().__init__(ground, url.rstrip("/"), token, url)
        self._pid = pid
        self._identity = procfs.started_ticks(pid) if pid else None
        self._pidfd: int | None = None

    @property
    def pid(self) -> int | None:
        """The declared pid, as long as it is the same process."""
        if self._pid is None or procfs.started_ticks(self._pid) != self._identity:
            return None
        return self._pid

    def environment(self) -> Mapping[str, str]:
        """Unknown: nothing is said of it."""
        return {}

    async def start(self, ledger: Ledger) -> None:  # noqa: ARG002 - nothing to promise
        """Check that the pid is there and watch it; whether the URL answers is the sampler's."""
        if self._pid is not None:
            if self._identity is None:
                raise TargetGone(f"there is no process {self._pid}")
            self._pidfd = process.pidfd(self._pid)
            asyncio.get_running_loop().add_reader(self._pidfd, self._ended)
        self._changed("ready", self._pid, False, "attached")

    def _ended(self) -> None:
        self._unwatch()
        self._changed("exited", self._pid, False, "")
        self.gone.set()

    def _unwatch(self) -> None:
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    async def stop(self, ledger: Ledger) -> None:  # noqa: ARG002 - nothing was promised
        """Stop watching it; it is not ours to stop."""
        self._unwatch()
