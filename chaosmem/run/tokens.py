"""The agent's token: from a file, a variable, or a Secret beside the pods; never written down."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING

from chaosmem.errors import UsageError
from chaosmem.spec.target import AgentAccess

if TYPE_CHECKING:
    from chaosmem.drivers.kube.connect import Cluster


def read_token(access: AgentAccess) -> str:
    """The agent's token from its file or variable; empty where neither is set."""
    if access.token_file:
        try:
            return Path(access.token_file).read_text().strip()
        except OSError as problem:
            raise UsageError(
                f"cannot read target.agent.tokenFile: {problem.strerror}",
                hint="give the path of a readable file that holds only the token",
            ) from problem
    return os.environ.get(access.token_env, "")


async def pod_token(cluster: Cluster, access: AgentAccess, namespace: str) -> str:
    """The agent's token, from the Secret where one is named; UsageError where it lacks the key."""
    if access.token_secret is None:
        return read_token(access)
    from chaosmem.drivers.kube import objects  # noqa: PLC0415 - a local run does without
    from chaosmem.drivers.kube.kinds import SECRET  # noqa: PLC0415

    name, _, key = access.token_secret.partition("/")
    data = (await objects.read(cluster, SECRET, namespace, name)).get("data") or {}
    if key not in data:
        raise UsageError(
            f"target.agent.tokenSecret: Secret {namespace}/{name} has no key {key!r}",
            hint=f"its keys are: {', '.join(sorted(data)) or '(none)'}",
        )
    return base64.b64decode(data[key]).decode().strip()
