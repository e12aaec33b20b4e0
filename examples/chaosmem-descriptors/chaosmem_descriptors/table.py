"""The findings as CSV. Pure."""

from __future__ import annotations

import csv
import io

from chaosmem.evidence import Evidence
from chaosmem.verify import Verdict


def render(verdict: Verdict, _evidence: Evidence) -> bytes:
    """A row for the run, and one for each finding."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["run", "trial", "check", "outcome", "observed", "expected"])
    table.writerow([verdict.run_id, "", "", verdict.outcome, verdict.says, ""])
    for f in verdict.findings:
        table.writerow([verdict.run_id, f.trial_key, f.name, f.outcome, f.observed, f.expected])
    return text.getvalue().encode()
