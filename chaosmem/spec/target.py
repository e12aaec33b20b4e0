"""What an experiment acts on: a local process, an endpoint, or pods."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema, model_validator

from chaosmem import __version__, plugins
from chaosmem.plugins import FinderPlugin
from chaosmem.spec.base import WRITTEN, AutoPort, HttpPath, Model, Port, Seconds
from chaosmem.spec.errors import unknown


class GoBuild(Model):
    """Build the target from Go source."""

    module: str = "."
    """Directory of the Go module, relative to the spec; `builtin:demo` is chaosmem's own demo."""
    package: str = "."
    """Package to build, relative to the module, for example `./cmd/cart`."""
    tags: tuple[str, ...] = ()
    """Build tags (`go build -tags`)."""
    flags: tuple[str, ...] = ()
    """Further flags of `go build`, for example `-race`."""


class Ready(Model):
    """When a started process counts as ready: its HTTP path answers 2xx."""

    http: HttpPath = "/healthz"
    """Path that answers 2xx as soon as the process is ready."""
    within: Seconds = 10.0
    """How long the process may take to become ready."""


class Stop(Model):
    """How a process is stopped."""

    signal: Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL"] = "SIGTERM"
    """Signal that asks the process to end."""
    grace: Seconds = 5.0
    """How long it may take before SIGKILL."""


class ProcessTarget(Model):
    """A local process that chaosmem builds or runs, owns and stops.

    `{port}` and `{debugPort}` in `args`, `command` and `env` stand for free ports on 127.0.0.1.
    """

    go: GoBuild | None = None
    """Build the program from Go source; exactly one of `go` and `command` is given."""
    command: tuple[str, ...] = ()
    """Run this program with these first arguments; no shell is involved."""
    args: tuple[str, ...] = ()
    """Arguments; `{port}` and `{debugPort}` stand for free ports on 127.0.0.1."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment in addition to chaosmem's own; GODEBUG is merged with chaosmem's settings."""
    cwd: str = "."
    """Working directory, relative to the spec."""
    port: AutoPort = "auto"
    """Port that `{port}` stands for; `auto` takes a free one."""
    ready: Ready = Ready()
    """When the process counts as ready."""
    stop: Stop = Stop()
    """How the process is stopped."""
    gctrace: bool = True
    """Merge `gctrace=1` into GODEBUG, so that every GC cycle is in the evidence."""

    @model_validator(mode="after")
    def _built_or_run(self) -> Self:
        if (self.go is None) == (not self.command):
            raise ValueError(
                "give exactly one of `go` (build from source) and `command` (run as it is)"
            )
        return self


def _url(value: str | None) -> str | None:
    if value is None:
        return None
    if "@" in value:  # not shown: what stands before it is a secret
        raise ValueError("must not hold a user or password, because a spec is kept with every run")
    if not re.fullmatch(r"https?://[^/\s@]+(/\S*)?", value):
        raise ValueError(f"{value!r} is no address; write for example http://127.0.0.1:8080")
    return value


class EndpointTarget(Model):
    """Something already running, attached to by URL; `pid` where it is on this machine."""

    url: Annotated[
        str | None,
        AfterValidator(_url),
        WithJsonSchema(
            {
                "type": "string",
                "pattern": r"^https?://[^/\s@]+(/\S*)?$",
                "examples": ["http://127.0.0.1:8080"],
            }
        ),
    ] = None
    """Base address of the service, for example `http://127.0.0.1:8080`."""
    find: dict[str, dict[str, Any]] | None = None
    """Instead of `url`: one driver plugin that finds it, with what it is told (docs/plugins.md)."""
    pid: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Process id where it runs on this machine: for resident memory and restarts."""

    @model_validator(mode="after")
    def _given_or_found(self) -> Self:
        if (self.url is None) == (self.find is None):
            raise ValueError("give exactly one of `url` and `find`, for example url: http://…:8080")
        self.finder()
        return self

    def finder(self) -> tuple[FinderPlugin, Model] | None:
        """The plugin that finds it, and what it is told; None: it has a `url`."""
        if self.find is None:
            return None
        if len(self.find) != 1:
            raise ValueError("`find` takes one driver, as its only key")
        name, told = next(iter(self.find.items()))
        plugin = plugins.finders().get(name)
        if plugin is None:
            raise ValueError(unknown("driver", name, plugins.finders()))
        try:
            return plugin, plugin.model.model_validate(told, context=WRITTEN, by_alias=True)
        except ValidationError as error:
            wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ValueError(f"find.{name}: {'; '.join(wrong)}") from None


def _selects_something(value: dict[str, str]) -> dict[str, str]:
    if not value:
        raise ValueError("an empty selector selects every pod; write for example {app: cart}")
    return value


class HelperPod(Model):
    """chaosmem's own pod on the target's node: it stresses the container's cgroup, and reads it."""

    image: str = "chaosmem/helper:" + __version__
    """Image of the helper (`chaosmem/go/helper`)."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the node fetches the image."""
    cgroup_root: HttpPath = "/sys/fs/cgroup"
    """Where the node mounts its cgroups."""
    observe: bool = True
    """Read the container's cgroup by a helper even where no fault needs one."""
    port: Port = 9797
    """Port that the helper listens on, in its own pod."""


class KubernetesTarget(Model):
    """Pods, found by namespace and selector."""

    namespace: str
    """Namespace of the pods."""
    selector: Annotated[dict[str, str], AfterValidator(_selects_something)]
    """Labels that the pods must have, for example `{app: cart}`."""
    container: str | None = None
    """Container of the Go process; absent: the pod's only container."""
    mode: Literal["one", "all", "fixed", "percent"] = "one"
    """How many of the pods: one, all, a fixed number, or a percentage (chosen by `seed`)."""
    value: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Number of pods (mode: fixed) or percentage (mode: percent)."""
    context: str | None = None
    """Context of the kubeconfig; absent: the current one."""
    transport: Literal["auto", "direct", "proxy", "port-forward"] = "auto"
    """How pprof and the agent are reached: pod IP, API server's proxy, or port-forward."""
    port: Port | None = None
    """HTTP port of the service; absent: the container's port named http, or its first one."""
    control_namespace: str = "chaosmem"
    """Namespace of chaosmem's own objects: what to undo, locks, helper pods."""
    helper: HelperPod = HelperPod()
    """The helper pod."""
    allow_gitops: bool = False
    """Let `via: rollout` and arms change a workload that a GitOps controller or Helm manages."""

    @model_validator(mode="after")
    def _value_goes_with_mode(self) -> Self:
        needs = self.mode in {"fixed", "percent"}
        if needs and self.value is None:
            raise ValueError(f"mode: {self.mode} needs `value`, for example value: 2")
        if not needs and self.value is not None:
            raise ValueError(f"`value` has no meaning with mode: {self.mode}; leave it out")
        if self.mode == "percent" and (self.value or 0) > 100:  # noqa: PLR2004 - the whole
            raise ValueError(f"value: {self.value} percent is more than all; write at most 100")
        return self


class PprofAccess(Model):
    """Where net/http/pprof is mounted."""

    path: HttpPath = "/debug/pprof"
    """Path of the pprof index."""
    port: Port | None = None
    """Port where it differs from the service's own."""


class AgentAccess(Model):
    """Where the chaosmem agent is mounted, and where its token is (never the token itself)."""

    path: HttpPath = "/debug/chaosmem"
    """Path of the agent."""
    port: Port | None = None
    """Port where it differs from the service's own."""
    token_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "CHAOSMEM_AGENT_TOKEN"  # noqa: S105 - a variable's name
    """Name of the environment variable that holds the agent's token."""
    token_file: str | None = None
    """File that holds the agent's token, instead of `tokenEnv`."""
    token_secret: Annotated[str, Field(pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$")] | None = None
    """`NAME/KEY` of the Secret in the pods' namespace that holds the token (pods only)."""


class MetricsAccess(Model):
    """Where Prometheus-format metrics are."""

    path: HttpPath = "/metrics"
    """Path of the metrics."""
    port: Port | None = None
    """Port where it differs from the service's own."""


class Target(Model):
    """Exactly one of `process`, `endpoint` and `kubernetes`, and how its runtime is read."""

    process: ProcessTarget | None = None
    """A local process that chaosmem builds or runs."""
    endpoint: EndpointTarget | None = None
    """Something already running, by URL."""
    kubernetes: KubernetesTarget | None = None
    """Pods of a cluster."""
    pprof: PprofAccess | None = PprofAccess()
    """Where net/http/pprof is; `null` where there is none."""
    agent: AgentAccess | None = AgentAccess()
    """Where the chaosmem agent is; `null` where it is not linked in."""
    metrics: MetricsAccess | None = MetricsAccess()
    """Where Prometheus-format metrics are; `null` where there are none."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [k for k in ("process", "endpoint", "kubernetes") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(
                "give exactly one of `process`, `endpoint` and `kubernetes`"
                f" (here: {' and '.join(given) or 'none'})"
            )
        return self

    @property
    def kind(self) -> Literal["process", "endpoint", "kubernetes"]:
        """Which of the three it is."""
        if self.process:
            return "process"
        return "endpoint" if self.endpoint else "kubernetes"
