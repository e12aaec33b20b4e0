"""From evidence to findings and a verdict: pure, and the same bytes from the same run directory."""

from __future__ import annotations

from chaosmem.verify.encode import from_json, to_json
from chaosmem.verify.engine import verify
from chaosmem.verify.model import (
    VERDICT_FORMAT,
    Comparison,
    Finding,
    Number,
    Outcome,
    Pointer,
    Summary,
    Verdict,
    worst,
)

__all__ = [
    "VERDICT_FORMAT",
    "Comparison",
    "Finding",
    "Number",
    "Outcome",
    "Pointer",
    "Summary",
    "Verdict",
    "from_json",
    "to_json",
    "verify",
    "worst",
]
