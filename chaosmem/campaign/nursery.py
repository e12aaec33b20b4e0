"""A process that has everything imported, and forks one child for each cell that it is told of.

Python and numpy take longer to start than a short experiment's verdict takes to compute; here
that is paid once a campaign. The nursery has one thread, keeps nothing, and ends when its runner
does; its children, each in a session of its own, do not.

Messages are JSON, one a packet, over a socket that only the two have:
    runner:  {"home": DIRECTORY, "index": 3}  with two descriptors: the cell's lock, its log
    nursery: {"index": 3, "pid": 4711}, and later {"index": 3, "code": 0}
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from chaosmem.drivers.process import pidfd

Work = Callable[[str, int, int], int]
"""Works on a cell: directory, index, descriptor of its lock; its exit code."""
MESSAGE = 65536
"""Largest message, bytes: a path is at most 4096."""


def serve(fd: int, work: Work) -> None:
    """Fork children until the runner is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Nursery(socket.socket(fileno=fd), work).serve()


class _Nursery:
    def __init__(self, runner: socket.socket, work: Work) -> None:
        self._runner, self._work = runner, work
        self._ready = selectors.DefaultSelector()
        self._ready.register(runner, selectors.EVENT_READ)

    def serve(self) -> None:
        while True:
            for key, _ in self._ready.select():
                if key.fileobj is not self._runner:
                    self._ended(key.fd, *key.data)
                elif not self._asked():
                    return

    def _asked(self) -> bool:
        """One request; False where the runner is gone."""
        data, fds, _, _ = socket.recv_fds(self._runner, MESSAGE, 2)
        if not data:
            return False
        asked = json.loads(data)
        lock, log = fds
        pid = os.fork()
        if pid == 0:
            self._child(asked["home"], asked["index"], lock, log)
        os.close(lock)  # the child has its own copy, and with it the lock
        os.close(log)
        self._ready.register(pidfd(pid), selectors.EVENT_READ, (pid, asked["index"]))
        self._say(index=asked["index"], pid=pid)
        return True

    def _child(self, home: str, index: int, lock: int, log: int) -> NoReturn:
        """The new process: nothing of the nursery's is left in it but what is imported."""
        code = 70
        try:
            os.setsid()
            self._runner.close()
            for key in list(self._ready.get_map().values()):
                if key.fileobj is not self._runner:
                    os.close(key.fd)
            self._ready.close()
            with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
                os.dup2(nothing.fileno(), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.close(log)
            code = self._work(home, index, lock)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _ended(self, fd: int, pid: int, index: int) -> None:
        self._ready.unregister(fd)
        os.close(fd)
        _, status = os.waitpid(pid, 0)
        self._say(index=index, code=os.waitstatus_to_exitcode(status))

    def _say(self, **values: int) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # seen by the next read
            self._runner.send(json.dumps(values).encode())
