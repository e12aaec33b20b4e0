"""Runs chaosmem and kills it with SIGKILL right after its Nth journal line: `killed.py N ARGS`."""

from __future__ import annotations

import itertools
import os
import signal
import sys

from chaosmem.__main__ import main
from chaosmem.rundir import journal
from chaosmem.rundir.events import Entry

_last = int(sys.argv.pop(1))
_written = itertools.count(1)
_write = journal.JournalWriter.write


def _counted(self: journal.JournalWriter, entry: Entry) -> None:
    _write(self, entry)
    if next(_written) == _last:
        os.kill(os.getpid(), signal.SIGKILL)


journal.JournalWriter.write = _counted  # type: ignore[method-assign]
main()
