"""The one tree of errors that chaosmem raises, each with its exit code and a hint how to mend it.

Libraries below (aiohttp, yaml, numpy, ...) never leak: whoever calls them raises one of these and
chains the cause, so that callers can rely on this tree alone.

* ChaosmemError            70
  x SpecError               6   the experiment's text cannot be understood or is impossible
  x PlanRefused             6   understood, but will not be done (blast radius, no such target)
  x UsageError              2   the command line asks for something that is not there
  x TargetError             3   the target cannot be started, reached or understood
    + TargetGone            3   it was there, and has ended or been replaced
    + ProbeFailed           3   it answered with an error, too slowly, too much, or not whole
    + ToolchainMissing      3   no Go toolchain that is new enough
  x ClusterError            3   Kubernetes says no, or says nothing
    + ClusterUnreachable    3   no API server answers, or nobody is let in
    + ClusterForbidden      3   a permission is missing; the message names verb, resource, namespace
    + ClusterNotFound       3   there is no such object
    + ClusterConflict       3   somebody else changed or made it in the meantime
    + AdmissionRefused      3   the object is invalid, or a webhook, quota or PodSecurity refuses it
    + LeaseHeld             3   another run holds the target; the message names it
    + RolloutStuck          3   a workload did not become what was asked in time
  x FaultRefused            3   the target refuses the fault (no token, limit, unknown point)
  x UndoIncomplete          5   something is still changed; the message names it
  x RunDirError             3   the run directory cannot be written or read
  x ArchiveError            3   object storage cannot be used (chaosmem.drivers.objectstore)
  x HistoryError            3   the history's database cannot be used (chaosmem.history.errors)
  x FormatError            70   evidence bytes (profile, trace line, dump) are malformed

Failed *checks* are not errors: they are values (`chaosmem.verify`).
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; documented in docs/exit-codes.md."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCONCLUSIVE = 3
    ABORTED = 4
    UNDO_INCOMPLETE = 5
    SPEC_INVALID = 6
    INTERNAL = 70


class ChaosmemError(Exception):
    """Anything that chaosmem itself reports; `hint` says how to mend it."""

    exit_code: Exit = Exit.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SpecError(ChaosmemError):
    """The experiment's text cannot be understood, or asks for the impossible."""

    exit_code = Exit.SPEC_INVALID


class PlanRefused(ChaosmemError):
    """The experiment is well-formed, but chaosmem will not do it."""

    exit_code = Exit.SPEC_INVALID


class UsageError(ChaosmemError):
    """The command line asks for something that is not there."""

    exit_code = Exit.USAGE


class TargetError(ChaosmemError):
    """The target cannot be started, reached or understood."""

    exit_code = Exit.INCONCLUSIVE


class TargetGone(TargetError):
    """The target was there, and has ended or been replaced."""


class ProbeFailed(TargetError):
    """The target answered with an error, too slowly, too much, or not whole."""


class ToolchainMissing(TargetError):
    """There is no Go toolchain that is new enough."""


class ClusterError(ChaosmemError):
    """Kubernetes says no, or says nothing."""

    exit_code = Exit.INCONCLUSIVE


class ClusterUnreachable(ClusterError):
    """No API server answers, or it does not let anybody in with these credentials."""


class ClusterForbidden(ClusterError):
    """A permission is missing; the message names verb, resource and namespace."""


class ClusterNotFound(ClusterError):
    """There is no such object."""


class ClusterConflict(ClusterError):
    """Somebody else changed the object, or made one of that name, in the meantime."""


class AdmissionRefused(ClusterError):
    """The object is invalid, or a webhook, a quota or PodSecurity refuses it."""


class LeaseHeld(ClusterError):
    """Another run holds the target.

    Args:
        message: which lease, and for how long it is still held.
        holder: who holds it.
        hint: how to mend it.
    """

    def __init__(self, message: str, *, holder: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.holder = holder


class RolloutStuck(ClusterError):
    """A workload did not become what was asked within its time."""


class FaultRefused(ChaosmemError):
    """The target refuses the fault: no token, over a limit, or an unknown injection point."""

    exit_code = Exit.INCONCLUSIVE


class UndoIncomplete(ChaosmemError):
    """Something is still changed on a target; the message names it."""

    exit_code = Exit.UNDO_INCOMPLETE


class RunDirError(ChaosmemError):
    """The run directory cannot be written or read: without evidence there is no verdict."""

    exit_code = Exit.INCONCLUSIVE


class FormatError(ChaosmemError):
    """Evidence bytes are malformed.

    Args:
        message: what is wrong.
        offset: byte offset into the (decompressed) input where it was noticed, if known.
        hint: how to mend it.
    """

    def __init__(self, message: str, *, offset: int | None = None, hint: str = "") -> None:
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{message}{where}", hint=hint)
        self.offset = offset
