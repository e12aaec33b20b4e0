"""What a Job and its pods say of themselves. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.drivers.kube.kinds import JsonObject


@dataclass(frozen=True, slots=True)
class Progress:
    """What a Job says of itself."""

    active: int
    succeeded: int
    failed_indices: str
    suspended: bool
    ended: str = ""
    """`Complete` or `Failed`; empty: it goes on."""
    reason: str = ""
    message: str = ""


def progress(body: JsonObject) -> Progress:
    """A Job's progress from its JSON."""
    status = body.get("status") or {}
    conditions = [c for c in status.get("conditions") or [] if c.get("status") == "True"]
    ends: list[JsonObject] = [c for c in conditions if c["type"] in ("Complete", "Failed")]
    last = ends[0] if ends else {}
    return Progress(
        active=int(status.get("active") or 0),
        succeeded=int(status.get("succeeded") or 0),
        failed_indices=status.get("failedIndexes") or "",
        suspended=bool((body.get("spec") or {}).get("suspend")),
        ended=last.get("type", ""),
        reason=last.get("reason", ""),
        message=last.get("message", ""),
    )


def words(body: JsonObject) -> str:
    """The last line that a failed pod said; empty where it did not fail."""
    for status in (body.get("status") or {}).get("containerStatuses") or []:
        ended = (status.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            lines = (ended.get("message") or ended.get("reason") or "").strip().splitlines()
            return lines[-1] if lines else f"exit code {ended['exitCode']}"
    return ""
