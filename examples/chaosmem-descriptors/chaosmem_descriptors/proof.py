"""The proof of the fault: what the kernel says the limit was while it acted. Pure."""

from __future__ import annotations

from chaosmem.evidence.model import FaultRecord, Trial
from chaosmem.verify.proofs import Proof
from chaosmem.verify.ruling import Undecided
from chaosmem_descriptors.plugin import Descriptors


def prove(
    fault: Descriptors, record: FaultRecord, _trial: Trial, _tolerance: float
) -> tuple[Proof, ...]:
    """One quantity: the soft limit."""
    found = record.readback.get("soft")
    if record.applied is None or not isinstance(found, float):
        raise Undecided("the limit of descriptors was not read back from the kernel")
    proven = found == fault.limit
    asked, measured = f"{fault.limit} files", f"{found:g} files"
    why = "" if proven else f"the kernel's limit was {measured}, not {asked}"
    return (Proof("soft limit of open files", asked, "set", measured, proven, why),)
