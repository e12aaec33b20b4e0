"""Ending what a release of the chart still runs, before its rights are taken away with it.

Its CronJobs are suspended, so that nothing begins; its Jobs are deleted, so that each run gets
SIGTERM and undoes itself; when the last of its pods is gone, what is left is for `sweep`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from chaosmem.drivers.kube import objects
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD, Kind, Ref
from chaosmem.errors import UndoIncomplete
from chaosmem.run.sweep import sweep

CRON_JOB: Final = Kind(group="batch", version="v1", plural="cronjobs", name="CronJob")
JOB: Final = Kind(group="batch", version="v1", plural="jobs", name="Job")
_POLL: Final = 0.5
"""Seconds between two looks at pods that are ending."""
_LEASE_PAUSE: Final = 5.0
"""Seconds until it is asked again whether a killed run's lease, of 15 s, has run out."""


async def end_runs(
    namespace: str, selector: str, context: str | None, say: Callable[[str], None]
) -> None:
    """Suspend, end, and wait until the last pod is gone. Idempotent: cut short, do it again."""
    async with Cluster.open(context=context) as cluster:
        for body in await objects.listed(cluster, CRON_JOB, namespace, labels=selector):
            ref = Ref.to(CRON_JOB, body)
            await objects.merge_patch(cluster, ref, {"spec": {"suspend": True}})
            say(f"{ref}: suspended")
        for kind in (JOB, POD):
            for body in await objects.listed(cluster, kind, namespace, labels=selector):
                if await objects.delete(cluster, Ref.to(kind, body)):
                    say(f"{Ref.to(kind, body)}: ending")
        while await objects.listed(cluster, POD, namespace, labels=selector):  # noqa: ASYNC110 - polled
            await asyncio.sleep(_POLL)


async def sweep_all(control: str, context: str | None, say: Callable[[str], None]) -> None:
    """Sweep until no run is left in the control namespace; UndoIncomplete names what stays.

    A killed run counts as alive until its lease has run out, and one of somebody else's is waited
    for: with the namespace would go the record of what it has to undo.
    """
    while found := await sweep(control, context, say, dry_run=False):
        if left := [words for run in found for words in run.left]:
            raise UndoIncomplete("still not undone:\n  " + "\n  ".join(left))
        for run in found:
            say(f"{run.run_id}: {'still going on' if run.alive else 'swept'}")
        await asyncio.sleep(_LEASE_PAUSE)
