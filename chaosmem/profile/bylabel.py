"""Sums by label value: which tenant, endpoint or trace the samples belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.errors import UsageError
from chaosmem.profile.columns import Profile
from chaosmem.profile.options import DEFAULT, Options
from chaosmem.profile.report import prepare

_UNLABELLED_KINDS = {
    "space": "heap",
    "inuse_space": "heap",
    "inuse_objects": "heap",
    "alloc_space": "heap",
    "alloc_objects": "heap",
    "delay": "block and mutex",
    "contentions": "block and mutex",
    "threadcreate": "threadcreate",
}


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One value of the label: its sum and its part of the total."""

    value: str
    sum: int
    percent: float


@dataclass(frozen=True, slots=True)
class ByLabel:
    """Sums by value, largest first.

    Attributes:
        key: the label.
        rows: its values. A sample with several values of one key counts for each.
        unlabelled: sum of the samples without the label.
        total: sum of all absolute values.
        sample_type, unit: what is summed.
    """

    key: str
    rows: tuple[LabelRow, ...]
    unlabelled: int
    total: int
    sample_type: str
    unit: str


def by_label(profile: Profile, key: str, options: Options = DEFAULT) -> ByLabel:
    """Sums the chosen values by the values of a string label.

    Raises:
        UsageError: Go never puts labels on this kind of profile, no sample has this label, or an
            option is malformed.
    """
    report = prepare(profile, options)
    labels, strings = report.profile.labels, report.profile.strings
    textual = labels.text >= 0
    if not textual.any():
        raise _refusal(profile)
    own = np.flatnonzero(
        textual & np.isin(labels.key, [i for i, s in enumerate(strings) if s == key])
    )
    if not len(own):
        known = sorted({strings[k] for k in np.unique(labels.key[textual]).tolist()})
        raise UsageError(f"no sample has the label {key!r}", hint=f"there are {', '.join(known)}")
    values = report.profile.samples.values[report.index]
    sums: dict[str, int] = {}
    for text, value in zip(
        labels.text[own].tolist(), values[labels.sample[own]].tolist(), strict=True
    ):
        sums[strings[text]] = sums.get(strings[text], 0) + value
    without = np.ones(len(report.profile), np.bool_)
    without[labels.sample[own]] = False
    rows = sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0]))
    return ByLabel(
        key=key,
        rows=tuple(
            LabelRow(text, value, value / report.total * 100 if report.total else 0.0)
            for text, value in rows
        ),
        unlabelled=int(values[without].sum()),
        total=report.total,
        sample_type=report.sample_type,
        unit=report.unit,
    )


def _refusal(profile: Profile) -> UsageError:
    types = [value_type.type for value_type in profile.sample_types]
    kind = next((_UNLABELLED_KINDS[name] for name in types if name in _UNLABELLED_KINDS), "")
    if not kind:
        return UsageError("no sample of this profile has a label")
    return UsageError(
        f"Go does not put labels on {kind} profiles (golang/go#23458)",
        hint="labels are on cpu, goroutine and goroutineleak profiles; attribute memory by stack",
    )
