"""Several profiles as one, and one less another.

Source: github.com/google/pprof/profile (merge.go), internal/measurement (ScaleProfiles) and
internal/driver/fetch.go. Samples are equal when their locations (by address within the mapping, and
lines) and labels are; so profiles of different builds do not cancel out at that level, but do once
they are aggregated by function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chaosmem.errors import UsageError
from chaosmem.profile.columns import Int64, Labels, Profile, ValueType
from chaosmem.profile.filters import keep_samples
from chaosmem.profile.measurement import same_family, scale
from chaosmem.profile.merging import Merger
from chaosmem.profile.report import BASE_LABEL


def merge(profiles: Sequence[Profile]) -> Profile:
    """The sum of all profiles; equal samples become one.

    The time is the earliest, the duration the sum, the period the largest. Sample types that not
    all of them have are left out; units are converted to the finest.

    Raises:
        UsageError: there is none, or they count different things.
    """
    if not profiles:
        raise UsageError("no profiles to merge")
    alike = _alike(list(profiles))
    return alike[0] if len(alike) == 1 else _merged(alike)


def diff(
    after: Profile, base: Profile, *, relative_to_base: bool = True, normalize: bool = False
) -> Profile:
    """`after` less `base`; values may be negative.

    Args:
        after: the later capture.
        base: the earlier one.
        relative_to_base: percentages of a report are of the base's total (pprof's `-diff_base`),
            and not of what remains (`-base`).
        normalize: first scale `after` to the base's totals, per sample type.

    Raises:
        UsageError: they count different things.
    """
    if relative_to_base:
        base = _marked(base)
    if normalize:
        after = _normalized(after, base)
    after, base = _alike([after, scaled(base, -1.0)])
    return _merged([after, base])


def scaled(profile: Profile, ratio: float) -> Profile:
    """Every value times `ratio`, rounded half away from zero; samples of only zeros go."""
    return _scaled_each(profile, [ratio] * len(profile.sample_types))


def _scaled_each(profile: Profile, ratios: Sequence[float]) -> Profile:
    if all(ratio == 1 for ratio in ratios):
        return profile
    values = profile.samples.values.copy()
    keep = np.zeros(len(profile), np.bool_)
    for row, ratio in enumerate(ratios):
        if ratio != 1:
            values[row] = _rounded(values[row], ratio)
            keep |= values[row] != 0
    samples = replace(profile.samples, values=values)
    return keep_samples(replace(profile, samples=samples), np.flatnonzero(keep))


def _rounded(values: Int64, ratio: float) -> Int64:
    if ratio == -1:
        return -values
    product = values.astype(np.float64) * ratio
    return np.trunc(product + np.copysign(0.5, product)).astype(np.int64)


def _normalized(profile: Profile, base: Profile) -> Profile:
    if _shape(profile) != _shape(base):
        raise UsageError("profiles of different sample types cannot be normalised")
    own = profile.samples.values.sum(axis=1).tolist()
    wanted = base.samples.values.sum(axis=1).tolist()
    return _scaled_each(profile, [w / o if o else 0.0 for w, o in zip(wanted, own, strict=True)])


def _shape(profile: Profile) -> tuple[ValueType, tuple[ValueType, ...]]:
    return profile.period_type, profile.sample_types


def _marked(profile: Profile) -> Profile:
    """With the label that says that a sample is of the base."""
    strings = (*profile.strings, BASE_LABEL, "true")
    old, count = profile.labels, len(profile)
    key = np.full(count, len(strings) - 2, np.int32)
    sample = np.concatenate([old.sample, np.arange(count, dtype=np.int32)])
    order = np.argsort(sample, kind="stable")
    labels = Labels(
        sample[order],
        np.concatenate([old.key, key])[order],
        np.concatenate([old.text, key + np.int32(1)])[order],
        np.concatenate([old.number, np.zeros(count, np.int64)])[order],
        np.concatenate([old.unit, np.zeros(count, np.int32)])[order],
    )
    return replace(profile, strings=strings, labels=labels)


def _alike(profiles: list[Profile]) -> list[Profile]:
    """With the same sample types in the same order and units."""
    types = [[value_type.type for value_type in p.sample_types] for p in profiles]
    common = [name for name in types[0] if all(name in own for own in types)]
    if not common:
        raise UsageError("the profiles have no sample type in common")
    profiles = [
        _selected(p, [own.index(n) for n in common]) for p, own in zip(profiles, types, strict=True)
    ]
    period = _finest([p.period_type for p in profiles])
    finest = [_finest([p.sample_types[i] for p in profiles]) for i in range(len(common))]
    return [_converted(profile, period, finest) for profile in profiles]


def _selected(profile: Profile, places: list[int]) -> Profile:
    if places == list(range(len(profile.sample_types))):
        return profile
    types = tuple(profile.sample_types[place] for place in places)
    default = profile.default_sample_type
    return replace(
        profile,
        sample_types=types,
        samples=replace(profile.samples, values=profile.samples.values[places]),
        default_sample_type=default if default in [t.type for t in types] else types[0].type,
    )


def _finest(types: list[ValueType]) -> ValueType:
    finest = types[0]
    for other in types[1:]:
        same_name = finest.type.removesuffix("s") == other.type.removesuffix("s")
        if not same_name or not same_family(finest.unit, other.unit):
            raise UsageError(f"profiles count different things: {finest} and {other}")
        if scale(1, other.unit, finest.unit)[0] < 1:
            finest = other
    return finest


def _converted(profile: Profile, period: ValueType, finest: list[ValueType]) -> Profile:
    pairs = list(zip(profile.sample_types, finest, strict=True))
    ratios = [scale(1, own.unit, wanted.unit)[0] for own, wanted in pairs]
    types = tuple(ValueType(own.type, wanted.unit) for own, wanted in pairs)
    converted = int(scale(profile.period, profile.period_type.unit, period.unit)[0])
    same = profile.period_type.unit == period.unit
    return replace(
        _scaled_each(profile, ratios),
        sample_types=types,
        period=profile.period if same else converted,
        period_type=ValueType(profile.period_type.type, period.unit),
    )


def _merged(profiles: list[Profile]) -> Profile:
    for other in profiles[1:]:
        if _shape(other) != _shape(profiles[0]):
            raise UsageError(
                f"profiles count different things: {_shape(profiles[0])[1]} and {_shape(other)[1]}"
            )
    merger = Merger(len(profiles[0].sample_types))
    for profile in profiles:
        merger.add(profile)
    first = profiles[0]
    time = 0
    for profile in profiles:
        time = profile.time_nanos if time == 0 or profile.time_nanos < time else time
    whole = replace(
        merger.profile(first),
        time_nanos=time,
        duration_nanos=sum(p.duration_nanos for p in profiles),
        period=max(p.period for p in profiles),
        comments=tuple(dict.fromkeys(c for p in profiles for c in p.comments)),
        default_sample_type=next(
            (p.default_sample_type for p in profiles if p.default_sample_type), ""
        ),
        doc_url=next((p.doc_url for p in profiles if p.doc_url), ""),
    )
    rows = np.flatnonzero((whole.samples.values != 0).any(axis=0))
    return keep_samples(whole, rows)
