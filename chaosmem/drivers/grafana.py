"""Grafana's annotations over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chaosmem.clock import RunClock
from chaosmem.drivers.http import Http
from chaosmem.errors import ProbeFailed

_TIMEOUT = 10.0


async def annotate(url: str, token: str, regions: Iterable[Mapping[str, object]]) -> int:
    """POST each region; how many. ProbeFailed at the first that is not taken."""
    headers = {"Authorization": f"Bearer {token}"}
    sent = 0
    async with Http(url, RunClock.start(), keep=False) as http:
        for region in regions:
            answer = await http.request(
                "POST", "/api/annotations", timeout=_TIMEOUT, headers=headers, body=dict(region)
            )
            if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
                raise ProbeFailed(
                    f"Grafana did not take the annotation: HTTP {answer.status}",
                    hint="the token needs the permission annotations:create",
                )
            sent += 1
    return sent
