"""A comparison for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chaosmem.history.against import Compared
from chaosmem.history.text import safe


def lines(found: Compared) -> Iterable[str]:
    """The outcome, then each check with what was seen, expected, and why."""
    yield safe(f"{found.outcome}  {found.experiment}  {found.run_id}")
    yield safe(f"  {found.says}")
    yield safe(f"  baseline {found.baseline}: {len(found.runs)} other runs")
    for finding in found.findings:
        where = " ".join(w for w in (finding.name, finding.arm, finding.target) if w)
        advisory = "  advisory" if finding.advisory else ""
        yield safe(f"{finding.outcome}  {where}{advisory}")
        yield safe(f"  observed  {finding.observed}")
        width = f" ({finding.threshold})" if finding.threshold else ""
        yield safe(f"  expected  {finding.expected}{width}")
        yield safe(f"  why       {finding.reason}")
