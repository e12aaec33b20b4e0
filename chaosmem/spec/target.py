"""What an experiment acts on: a local process, an endpoint, or pods."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chaosmem.spec.base import Model, Seconds


class GoBuild(Model):
    """Build the target from Go source."""

    module: str = "."
    """Directory of the Go module, relative to the spec; `builtin:demo` is chaosmem's own demo."""
    package: str = "."
    """Package to build, relative to the module."""
    tags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


class Ready(Model):
    """When a started process counts as ready: its HTTP path answers 2xx."""

    http: str = "/healthz"
    within: Seconds = 10.0


class Stop(Model):
    """How a process is stopped."""

    signal: Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL"] = "SIGTERM"
    grace: Seconds = 5.0


class ProcessTarget(Model):
    """A local process that chaosmem builds or runs, owns and stops.

    `{port}` and `{debugPort}` in `args`, `command` and `env` stand for free ports on 127.0.0.1.
    """

    go: GoBuild | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    cwd: str = "."
    port: Annotated[int, Field(ge=1, le=65535)] | Literal["auto"] = "auto"
    ready: Ready = Ready()
    stop: Stop = Stop()
    gctrace: bool = True
    """Merge `gctrace=1` into GODEBUG, so that every GC cycle is in the evidence."""

    @model_validator(mode="after")
    def _built_or_run(self) -> Self:
        if (self.go is None) == (not self.command):
            msg = "give exactly one of `go` (build from source) and `command` (run as it is)"
            raise ValueError(msg)
        return self


class EndpointTarget(Model):
    """Something already running, attached to by URL; `pid` where it is on this machine."""

    url: str
    pid: Annotated[int, Field(ge=1)] | None = None


class KubernetesTarget(Model):
    """Pods, found by namespace and selector."""

    namespace: str
    selector: dict[str, str]
    container: str | None = None
    mode: Literal["one", "all", "fixed", "percent"] = "one"
    value: Annotated[int, Field(ge=1)] | None = None
    context: str | None = None
    transport: Literal["auto", "direct", "proxy", "port-forward"] = "auto"

    @model_validator(mode="after")
    def _value_goes_with_mode(self) -> Self:
        needs = self.mode in {"fixed", "percent"}
        if needs and self.value is None:
            msg = f"mode: {self.mode} needs `value`"
            raise ValueError(msg)
        if not needs and self.value is not None:
            msg = f"`value` has no meaning with mode: {self.mode}; leave it out"
            raise ValueError(msg)
        return self


class PprofAccess(Model):
    """Where net/http/pprof is mounted."""

    path: str = "/debug/pprof"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class AgentAccess(Model):
    """Where the chaosmem agent is mounted, and where its token is (never the token itself)."""

    path: str = "/debug/chaosmem"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    token_env: str = "CHAOSMEM_AGENT_TOKEN"
    token_file: str | None = None


class MetricsAccess(Model):
    """Where Prometheus-format metrics are."""

    path: str = "/metrics"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class Target(Model):
    """Exactly one of `process`, `endpoint` and `kubernetes`, and how its runtime is read."""

    process: ProcessTarget | None = None
    endpoint: EndpointTarget | None = None
    kubernetes: KubernetesTarget | None = None
    pprof: PprofAccess | None = PprofAccess()
    agent: AgentAccess | None = AgentAccess()
    metrics: MetricsAccess | None = MetricsAccess()

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [k for k in ("process", "endpoint", "kubernetes") if getattr(self, k) is not None]
        if len(given) != 1:
            msg = (
                "give exactly one of `process`, `endpoint` and `kubernetes`"
                f" (here: {', '.join(given) or 'none'})"
            )
            raise ValueError(msg)
        return self

    @property
    def kind(self) -> Literal["process", "endpoint", "kubernetes"]:
        """Which of the three it is."""
        if self.process:
            return "process"
        return "endpoint" if self.endpoint else "kubernetes"
