"""List and watch: every object of a kind as it changes, through lost connections and restarts.

The protocol: list, then watch from the list's resource version; bookmarks move that version on
without a change; after a lost connection watch on from the last version; where that is too old
(410 Gone, also as an ERROR event) list again and compare. What was deleted while nobody watched is
noticed by its absence from the list.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from chaosmem.drivers.kube.calls import Call
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import JsonObject, Kind
from chaosmem.drivers.kube.status import Expired, failure, read_refusal
from chaosmem.errors import ClusterError, ClusterForbidden, ClusterUnreachable

WATCH_SECONDS: Final = 20
"""Seconds after which the server is asked to end a watch; bookmarks alone come every minute."""
SILENCE: Final = 25.0
"""Seconds without a byte after which a watch counts as lost: a cut network is noticed by then."""
LINE_LIMIT: Final = 8 * 2**20
"""Bytes a line; etcd keeps objects under 1.5 MiB."""
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Scope:
    """What is watched: a kind in a namespace (everywhere where empty), by labels and fields."""

    kind: Kind
    namespace: str = ""
    labels: str = ""
    fields: str = ""

    def query(self) -> dict[str, str]:
        """As the API server reads it."""
        query = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {name: value for name, value in query.items() if value}

    def __str__(self) -> str:
        return f"{self.kind.resource} {f'in {self.namespace}' if self.namespace else 'everywhere'}"


class Listener:
    """Told what a watch sees; every method does nothing by itself."""

    def seen(self, body: JsonObject) -> None:
        """An object as it is now: new, changed, or the same again."""

    def removed(self, name: str) -> None:
        """An object (`namespace/name`) is not there any more."""

    def lost(self, problem: ClusterError) -> None:
        """The server is away; told once until `back`."""

    def back(self) -> None:
        """The server is there (again), and all that happened meanwhile has been told."""


class Watching:
    """One list-and-watch; `run` goes on until it is cancelled or forbidden."""

    def __init__(self, cluster: Cluster, scope: Scope, listener: Listener) -> None:
        self._cluster, self._scope, self._listener = cluster, scope, listener
        self._known: set[str] = set()
        self._version = ""
        self._away = False
        self.synced = asyncio.Event()
        """Set once the first list has been told."""

    async def run(self) -> None:
        """Tell the listener everything; ClusterForbidden where that is not permitted."""
        wait = _FIRST_WAIT
        while True:
            try:
                await self._connected()
                wait = _FIRST_WAIT
            except Expired:
                self._version = ""
            except ClusterForbidden as problem:
                self._lost(problem)
                if not self.synced.is_set():
                    raise
            except ClusterError as problem:
                self._lost(problem)
            await asyncio.sleep(wait)
            wait = min(_LONGEST_WAIT, wait * 2)

    def _lost(self, problem: ClusterError) -> None:
        if not self._away:
            self._away = True
            self._listener.lost(problem)

    def _there(self) -> None:
        self.synced.set()
        if self._away:
            self._away = False
            self._listener.back()

    async def _connected(self) -> None:
        if not self._version:
            await self._list()
            self._there()
        call = self._call(self._version)
        async with self._cluster.stream(call, silence=SILENCE) as chunks:
            # A server that went away under us may have seen nothing of this watch's past yet,
            # but it accepted the version: what follows is complete.
            self._there()
            async for line in lines(chunks):
                self._take(line)

    async def _list(self) -> None:
        path = self._scope.kind.path(self._scope.namespace)
        call = Call("GET", path, f"list {self._scope}", query=self._scope.query(), patience=0)
        said = (await self._cluster.call(call)).json()
        items = said.get("items") or []
        now = {name_of(body) for body in items}
        for name in sorted(self._known - now):
            self._remove(name)
        for body in items:
            self._see(body)
        self._version = said["metadata"]["resourceVersion"]

    def _call(self, version: str) -> Call:
        query = self._scope.query() | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        path = self._scope.kind.path(self._scope.namespace)
        return Call("GET", path, f"watch {self._scope}", query=query)

    def _take(self, line: bytes) -> None:
        event = _event(line)
        kind, body = event.get("type"), event.get("object") or {}
        if kind == "ERROR":
            raise failure(read_refusal(int(body.get("code") or 500), line_body(body)), "watch")
        if kind == "DELETED":
            self._see(body)
            self._remove(name_of(body))
        elif kind != "BOOKMARK":
            self._see(body)
        self._version = body.get("metadata", {}).get("resourceVersion") or self._version

    def _see(self, body: JsonObject) -> None:
        self._known.add(name_of(body))
        self._listener.seen(body)

    def _remove(self, name: str) -> None:
        self._known.discard(name)
        self._listener.removed(name)


def name_of(body: JsonObject) -> str:
    """`namespace/name` of an object."""
    meta = body["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


def line_body(body: JsonObject) -> bytes:
    """An ERROR event's object, as the body of a refusal."""
    return json.dumps(body).encode()


def _event(line: bytes) -> JsonObject:
    try:
        event = json.loads(line)
    except ValueError as problem:
        raise ClusterUnreachable(f"a watch was cut off in a line: {problem}") from problem
    if not isinstance(event, dict):
        raise ClusterUnreachable(f"a watch said something that is no event: {line[:80]!r}")
    return event


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Whole lines without their end; a torn last one is left out."""
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        *whole, last = rest.split(b"\n") if b"\n" in chunk else (rest,)
        for line in whole:
            yield bytes(line)
        rest = bytearray(last)
        if len(rest) > LINE_LIMIT:
            raise ClusterError(f"a line of the API server is over the limit of {LINE_LIMIT} bytes")
