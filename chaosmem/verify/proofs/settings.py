"""Runtime settings: what was asked for, read back from the process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import FaultRecord, Trial
from chaosmem.metrics import GOGC, GOMEMLIMIT, Metric
from chaosmem.spec.faults import RuntimeFault
from chaosmem.units import format_bytes, human_bytes
from chaosmem.verify import ground
from chaosmem.verify.pacer import is_off, is_unlimited
from chaosmem.verify.proofs.base import ACTED, Proof, pointers
from chaosmem.verify.ruling import Undecided, number


def settings(fault: RuntimeFault, record: FaultRecord, trial: Trial) -> tuple[Proof, ...]:
    """One proof for every setting that the fault changes."""
    found: list[Proof] = []
    if fault.gogc is not None:
        found.append(_setting(_gogc(fault.gogc), record, trial))
    if fault.gomemlimit is not None:
        found.append(_setting(_limit(fault.gomemlimit), record, trial))
    if fault.godebug:
        found.append(_godebug(fault.godebug, record))
    if not found:
        raise Undecided("the runtime fault changes no setting")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A setting: its series, its name in the environment, and what it must read back as."""

    metric: Metric
    variable: str
    value: float | None
    """None: off."""
    text: str


def _gogc(value: int | str) -> _Asked:
    off = value == "off"
    return _Asked(GOGC, "GOGC", None if off else float(value), str(value))


def _limit(value: int | str) -> _Asked:
    off = value == "off"
    text = "off" if isinstance(value, str) else format_bytes(value)
    return _Asked(GOMEMLIMIT, "GOMEMLIMIT", None if off else float(value), text)


def _matches(asked: _Asked, value: float) -> bool:
    if asked.value is None:
        return is_off(value) if asked.metric is GOGC else is_unlimited(value)
    return value == asked.value


def _show(asked: _Asked, value: float) -> str:
    if is_off(value) if asked.metric is GOGC else is_unlimited(value):
        return "off"
    return f"{value:g}" if asked.metric is GOGC else human_bytes(value)


def _setting(asked: _Asked, record: FaultRecord, trial: Trial) -> Proof:
    acted = ground.acts(record, trial)
    if not len(trial.of(asked.metric).within(acted)):
        return _from_readback(asked, record)
    read = ground.covering(trial, asked.metric, acted, ACTED)
    wrong = [float(v) for v in read.v if not _matches(asked, float(v))]
    last = float(read.v[-1])
    why = ""
    if wrong:
        why = (
            f"{asked.variable} read back as {_show(asked, wrong[0])} in {len(wrong)} of "
            f"{len(read)} samples while {asked.text} was asked for"
        )
    changed = int(np.count_nonzero(np.diff(read.v)))
    return Proof(
        asked.variable,
        asked.text,
        "acknowledged",
        f"{_show(asked, last)} in {len(read)} samples, changed {changed} times",
        not why,
        why,
        {f"{asked.variable} read back": number(last, asked.metric.unit)},
        pointers(read),
    )


def _from_readback(asked: _Asked, record: FaultRecord) -> Proof:
    """Without a series: the environment of the restarted process, or the agent's answer."""
    said = record.readback.get(f"environ.{asked.variable}")
    if said is None:
        said = record.readback.get(f"runtime.{asked.variable.lower()}")
    same = _matches(asked, said) if isinstance(said, float | int) else said == asked.text
    shown = "nothing" if said in (None, "") else str(said)
    why = "" if same else f"{asked.variable} read back as {shown} while {asked.text} was asked for"
    return Proof(asked.variable, asked.text, "acknowledged", shown, not why, why)


def _godebug(asked: dict[str, str], record: FaultRecord) -> Proof:
    """Every key must stand in the process's own GODEBUG with the asked value."""
    text = str(record.readback.get("environ.GODEBUG", ""))
    have = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    missing = [f"{k}={v}" for k, v in sorted(asked.items()) if have.get(k) != v]
    why = f"GODEBUG of the process ({text or 'empty'}) lacks {', '.join(missing)}"
    wanted = ",".join(f"{k}={v}" for k, v in sorted(asked.items()))
    return Proof(
        "GODEBUG", wanted, "acknowledged", text or "empty", not missing, why if missing else ""
    )
