"""A connection to one cluster: from a kubeconfig, one of its contexts, or from inside a pod."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from chaosmem.drivers.kube.calls import Call, Caller, Reply
from chaosmem.errors import ClusterNotFound, ClusterUnreachable, UsageError

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient, Configuration

_IN_CLUSTER_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_CONNECTIONS: Final = 64
"""Connections at once: 50 targets, each with a log and a proxied request, and the watches."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the API server takes us for (SelfSubjectReview, Kubernetes 1.28)."""

    user: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """The API server's version."""

    git: str
    major: int
    minor: int
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the connection's settings came from."""

    source: str
    context: str
    namespace: str


class Cluster:
    """One API server, spoken to as one user. Made by `Cluster.open`; never shows a secret."""

    def __init__(self, client: ApiClient, origin: Origin) -> None:
        self.server = _without_secrets(client.configuration.host)
        self.source, self.context_name, self.namespace = (
            origin.source,
            origin.context,
            origin.namespace,
        )
        self._client = client
        self._caller = Caller(client, self.server)
        self.call = self._caller.call
        self.stream = self._caller.stream

    def __repr__(self) -> str:
        return f"Cluster({self.server}, context {self.context_name or '(in cluster)'})"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, context: str | None = None, kubeconfig: Path | None = None
    ) -> AsyncIterator[Cluster]:
        """Connect: `kubeconfig`, else $KUBECONFIG, else ~/.kube/config, else from inside a pod.

        Nothing is asked of the server yet. UsageError where there are no usable settings.
        """
        client, origin, renew = await _client(context, kubeconfig)
        renewing = asyncio.ensure_future(renew()) if renew else None
        try:
            async with client:
                yield cls(client, origin)
        finally:
            if renewing is not None:
                renewing.cancel()

    async def identity(self) -> Identity:
        """Who we are to the server; ClusterUnreachable where nobody is let in."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        call = Call("POST", path, "ask who we are", body=body, repeat=True)
        try:
            info = (await self.call(call)).json()["status"]["userInfo"]
        except ClusterNotFound:  # before Kubernetes 1.28
            return Identity("(unknown: the API server has no SelfSubjectReview)")
        return Identity(info.get("username", ""), tuple(info.get("groups", ())))

    async def version(self) -> Version:
        """The API server's version."""
        said = (await self.call(Call("GET", "/version", "ask the version"))).json()
        return Version(
            said["gitVersion"], _number(said["major"]), _number(said["minor"]), said["platform"]
        )

    async def get(self, path: str, what: str, query: Mapping[str, str] | None = None) -> Reply:
        """GET, tried again where it helps."""
        return await self.call(Call("GET", path, what, query=query or {}))

    # --- for the transports

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS settings, client certificate included."""
        context: ssl.SSLContext = self._client.rest_client.ssl_context
        return context

    @property
    def tls_name(self) -> str | None:
        """The name that the server's certificate has, where it is not the address."""
        name: str | None = self._client.configuration.tls_server_name
        return name

    @property
    def proxy(self) -> str | None:
        """The kubeconfig's proxy-url."""
        url: str | None = self._client.configuration.proxy
        return url

    async def authorization(self) -> dict[str, str]:
        """The headers that authorize a request now (tokens are refreshed)."""
        headers: dict[str, str] = {}
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
        return headers


def _number(text: str) -> int:
    digits = "".join(c for c in text if c.isdigit())  # GKE and EKS say `30+`
    return int(digits) if digits else 0


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/")


# --- settings


Renew = Callable[[], Coroutine[None, None, None]]
"""Renews a token that runs out, until cancelled."""
Opened = tuple["ApiClient", Origin, Renew | None]


async def _client(context: str | None, kubeconfig: Path | None) -> Opened:
    from kubernetes.aio.client import ApiClient, Configuration  # noqa: PLC0415 - 0.4 s

    configuration = type.__call__(Configuration)  # a fresh one, not the process's default
    configuration.connection_pool_maxsize = _CONNECTIONS
    # Python 3.13 alone asks for RFC 5280's extensions (VERIFY_X509_STRICT), which the authorities
    # of many clusters lack (e.g. an authority key identifier); Go's clients do not ask either.
    configuration.disable_strict_ssl_verification = True
    paths = _paths(kubeconfig)
    if not paths and context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
        origin = _load_in_cluster(configuration)
        return ApiClient(configuration), origin, None
    if not paths:
        raise UsageError(
            "there is no kubeconfig, and this is not inside a cluster",
            hint="set KUBECONFIG, or give --kubeconfig PATH",
        )
    return await _from_files(configuration, paths, context)


def _paths(given: Path | None) -> list[str]:
    if given is not None:
        if not given.is_file():
            raise UsageError(f"there is no kubeconfig {given}")
        return [str(given)]
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return [path for path in named.split(os.pathsep) if path and Path(path).expanduser().is_file()]


def _load_in_cluster(configuration: Configuration) -> Origin:
    from kubernetes.aio.config import ConfigException, load_incluster_config  # noqa: PLC0415

    try:
        load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        namespace = _IN_CLUSTER_NAMESPACE.read_text().strip()
    except (ConfigException, OSError) as problem:
        raise UsageError(f"cannot use the pod's service account: {problem}") from problem
    return Origin("in-cluster", "", namespace)


async def _from_files(
    configuration: Configuration, paths: list[str], context: str | None
) -> Opened:
    from kubernetes.aio.client import ApiClient  # noqa: PLC0415
    from kubernetes.aio.config import load_kube_config, refresh_token  # noqa: PLC0415

    source = os.pathsep.join(paths)
    with _key_files() as directory, _complaints() as complaints:
        try:
            loader = await load_kube_config(  # type: ignore[no-untyped-call]
                source, context, configuration, persist_config=False, temp_file_path=directory
            )
            client = ApiClient(configuration)  # reads the key files: they may go now
        except Exception as problem:  # noqa: BLE001 - a YAML parser's too, which is not ours to know
            # Without its cause: a traceback would quote the file, and with it a token.
            raise UsageError(
                f"kubeconfig {source}: {_reason(problem)}",
                hint="`kubectl config get-contexts` lists what there is",
            ) from None
        if complaints:
            raise ClusterUnreachable(
                f"kubeconfig {source}: the login program failed: {complaints[0]}",
                hint="run any kubectl command with the same context to see why",
            )
    current = loader.current_context
    namespace = current["context"].get("namespace") or "default"
    runs_out = hasattr(loader, "exec_plugin_expiry")
    renew = partial(refresh_token, loader, configuration) if runs_out else None
    return client, Origin(f"kubeconfig {source}", current["name"], namespace), renew


def _reason(problem: Exception) -> str:
    """What is wrong, without the YAML that a parser would quote: it may hold a token."""
    from kubernetes.aio.config import ConfigException  # noqa: PLC0415

    if isinstance(problem, ConfigException | ssl.SSLError):
        return str(problem)
    if isinstance(problem, OSError):
        return problem.strerror or type(problem).__name__
    return f"it cannot be understood ({type(problem).__name__})"


@contextmanager
def _key_files() -> Iterator[str]:
    """A directory for the client key, which OpenSSL only reads from a file; gone at once after."""
    from kubernetes.aio.config import kube_config  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="chaosmem-kube-") as directory:
        try:
            yield directory
        finally:
            # The package remembers the paths until the process ends; they must not outlive these.
            kube_config._cleanup_temp_files()  # type: ignore[no-untyped-call]  # noqa: SLF001


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What the package only logs: a login program (exec) that failed."""
    logger = logging.getLogger("kubernetes.aio.config.kube_config")
    kept = _Kept()
    before, logger.propagate = logger.propagate, False
    logger.addHandler(kept)
    try:
        yield kept.messages
    finally:
        logger.removeHandler(kept)
        logger.propagate = before


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
