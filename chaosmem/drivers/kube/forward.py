"""A port-forward: a loopback listener here, a WebSocket to the API server for each connection.

The protocol is `v4.channel.k8s.io` (k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go):
every message begins with the number of its channel, 0 for data and 1 for errors, and the first
message of each channel carries the port, two bytes, little-endian.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Final, Self

import aiohttp

from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD
from chaosmem.errors import TargetError

_PROTOCOL: Final = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_CHUNK: Final = 32 * 1024
_CONNECT_SECONDS: Final = 5.0
_NORMAL: Final = 3
"""Bytes of the first message of a channel: its number and the port."""


class Forward:
    """Forwards a port of a pod to a free one of 127.0.0.1, as long as it is open."""

    def __init__(self, cluster: Cluster, namespace: str, pod: str, port: int) -> None:
        self._cluster = cluster
        self._url = f"{cluster.server}{POD.path(namespace, pod, 'portforward')}?ports={port}"
        self._session: aiohttp.ClientSession | None = None
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen, and open one connection to see that it is permitted; TargetError else."""
        self._session = aiohttp.ClientSession(trust_env=False)
        try:
            await (await self._connect()).close()
            self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def base(self) -> str:
        """The local address."""
        assert self._server is not None  # noqa: S101 - it is entered
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        assert self._session is not None  # noqa: S101 - it is entered
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await self._session.ws_connect(
                    self._url,
                    protocols=(_PROTOCOL,),
                    headers=await self._cluster.authorization(),
                    ssl=self._cluster.tls,
                    server_hostname=self._cluster.tls_name,
                    proxy=self._cluster.proxy,
                    max_msg_size=0,
                )
        except aiohttp.WSServerHandshakeError as problem:
            why = "forbidden" if problem.status == 403 else f"HTTP {problem.status}"  # noqa: PLR2004 - HTTP's Forbidden
            raise TargetError(
                f"the API server refuses a port-forward: {why}",
                hint="the Role needs create and get on pods/portforward",
            ) from problem
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            raise TargetError(f"no port-forward: {type(problem).__name__}: {problem}") from problem

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: one that asyncio makes is reported as an error when it is cancelled.
        task = asyncio.create_task(self._carry(reader, writer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            socket = await self._connect()
            async with socket:
                await _pump(socket, reader, writer)
        except (TargetError, aiohttp.ClientError, OSError):
            pass  # the local side sees its connection closed, as it would see the pod's
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _pump(
    socket: aiohttp.ClientWebSocketResponse,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Both directions, until either side ends."""
    ways = {asyncio.create_task(_up(socket, reader)), asyncio.create_task(_down(socket, writer))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _up(socket: aiohttp.ClientWebSocketResponse, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(_CHUNK):
        await socket.send_bytes(bytes((_DATA,)) + data)


async def _down(socket: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter) -> None:
    begun: set[int] = set()
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel = message.data[0]
        if channel not in begun and len(message.data) == _NORMAL:
            begun.add(channel)
            continue
        if channel == _ERROR:
            return
        writer.write(message.data[1:])
        await writer.drain()
