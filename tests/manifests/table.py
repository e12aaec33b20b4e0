"""`python -m tests.manifests.table`: the table of docs/kubernetes-permissions.md."""

from __future__ import annotations

from chaosmem.plan.permissions import Need, permissions
from tests.manifests.rights import maximal

HEAD = "| where | resource | verb | why, or what is lost without it | needed |\n" + "|---" * 5 + "|"


def line(need: Need) -> str:
    """One row."""
    what = need.what.partition(" in ")[0]
    where = need.namespace or "the cluster"
    needed = "yes" if need.needed else "no"
    return f"| {where} | `{what}` | {need.verb} | {need.why} | {needed} |"


def table() -> str:
    """The whole of it."""
    needs = permissions(maximal("TARGET", "CONTROL", "agent-token"))
    return "\n".join([HEAD, *map(line, needs)])


if __name__ == "__main__":
    print(table())  # noqa: T201
