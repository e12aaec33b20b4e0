"""What every report needs: the chosen values, the filtered profile, the total and its header."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from chaosmem.errors import UsageError
from chaosmem.profile.columns import Bool, Profile
from chaosmem.profile.filters import filtered
from chaosmem.profile.graph import Weighted
from chaosmem.profile.measurement import label, percentage, scale, truncated_division
from chaosmem.profile.options import Options
from chaosmem.profile.tags import with_tag_frames

BASE_LABEL = "pprof::base"
"""Label key of the base's samples in a difference; its value is "true"."""

_FILTERS = (
    "focus",
    "ignore",
    "hide",
    "show",
    "show_from",
    "tagfocus",
    "tagignore",
    "tagshow",
    "taghide",
)


@dataclass(frozen=True, slots=True)
class Report:
    """A profile, ready to be reported.

    Attributes:
        profile: filtered.
        options: as asked for, trimming resolved.
        index: which sample type.
        sample_type: its name, "mean_" before it for means.
        unit: its unit.
        total: what percentages are of.
        warnings: options that matched nothing.
    """

    profile: Profile
    options: Options
    index: int
    sample_type: str
    unit: str
    total: int
    warnings: tuple[str, ...]

    def weighted(self) -> Weighted:
        """The samples that count."""
        values = self.profile.samples.values
        divisor = values[0] if self.options.mean else None
        return Weighted.of(self.profile.samples, values[self.index], divisor)

    def divided(self, value: int) -> int:
        """`value` after divide_by."""
        ratio = 1 / self.options.divide_by
        return int(float(value) * ratio) if ratio > 0 and ratio != 1 else value

    def format(self, value: int, unit: str) -> str:
        """`value` as text, in `unit`."""
        return label(self.divided(value), self.unit, unit)


def sample_index(profile: Profile, wanted: str | int | None) -> int:
    """Index of a sample type by name or number; None is the profile's default, else the last.

    "inuse_space" also finds "space", as pprof does.

    Raises:
        UsageError: there is none.
    """
    types = [value_type.type for value_type in profile.sample_types]
    if not types:
        raise UsageError("profile has no sample types")
    if wanted is None or wanted == "":
        default = profile.default_sample_type
        return types.index(default) if default in types else len(types) - 1
    text = str(wanted)
    if text.lstrip("+-").isdigit() and 0 <= int(text) < len(types):
        return int(text)
    for index, name in enumerate(types):
        if name in (text, text.removeprefix("inuse_")):
            return index
    hint = "one of " + ", ".join(f"{index} ({name})" for index, name in enumerate(types))
    raise UsageError(f"sample_index {text!r} is not in this profile", hint=hint)


def prepare(profile: Profile, options: Options) -> Report:
    """Applies the options that choose samples and frames.

    Raises:
        UsageError: an option is malformed, or the sample type is not there.
    """
    index = sample_index(profile, options.sample_index)
    profile, warnings = with_tag_frames(profile, options)
    if options.relative_percentages:
        profile, more = filtered(profile, options)
        total = _total(profile, index, mean=options.mean)
    else:
        total = _total(profile, index, mean=options.mean)
        profile, more = filtered(profile, options)
    chosen = profile.sample_types[index]
    name = f"mean_{chosen.type}" if options.mean else chosen.type
    return Report(profile, options, index, name, chosen.unit, total, (*warnings, *more))


def _total(profile: Profile, index: int, *, mean: bool) -> int:
    """Sum of absolute values; of the base alone where the profile is a difference."""
    values = profile.samples.values
    absolute, divisor = np.abs(values[index]), values[0]
    total, total_divisor = int(absolute.sum()), int(divisor.sum())
    base = _base_samples(profile)
    if int(absolute[base].sum()) > 0:
        total, total_divisor = int(absolute[base].sum()), int(divisor[base].sum())
    return truncated_division(total, total_divisor) if mean and total_divisor else total


def _base_samples(profile: Profile) -> Bool:
    base = np.zeros(len(profile), np.bool_)
    labels = profile.labels
    if BASE_LABEL in profile.strings:
        keys = [i for i, text in enumerate(profile.strings) if text == BASE_LABEL]
        truth = [i for i, text in enumerate(profile.strings) if text == "true"]
        base[labels.sample[np.isin(labels.key, keys) & np.isin(labels.text, truth)]] = True
    return base


def header(report: Report, unit: str, zone: tzinfo | None = None) -> list[str]:
    """The lines about the profile itself, as pprof prints them above every report.

    Args:
        report: the report.
        unit: the values' unit.
        zone: time zone of "Time:"; UTC if None.
    """
    profile = report.profile
    lines = []
    if profile.mappings:
        first = profile.mappings[0]
        if first.file:
            lines.append(f"File: {posixpath.basename(first.file.rstrip('/')) or '/'}")
        if first.build_id:
            lines.append(f"Build ID: {first.build_id}")
    lines += [comment for comment in profile.comments if not comment.startswith("#")]
    if report.sample_type:
        lines.append(f"Type: {report.sample_type}")
    if profile.doc_url:
        lines.append(f"Doc: {profile.doc_url}")
    if profile.time_nanos:
        lines.append(f"Time: {_time(profile.time_nanos, zone)}")
    if profile.duration_nanos:
        lines.append(_duration(report, unit))
    return lines


def _time(nanos: int, zone: tzinfo | None) -> str:
    try:
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=nanos // 1_000_000_000)
        return instant.astimezone(zone or UTC).strftime("%Y-%m-%d %H:%M:%S %Z")
    except OverflowError:  # the calendar ends at year 9999, an int64 of nanoseconds does not reach
        return f"{nanos} ns"


def _duration(report: Report, unit: str) -> str:
    nanos = report.profile.duration_nanos
    total, total_unit = scale(report.total, report.unit, "nanoseconds")
    share = f"({percentage(int(total), nanos)})" if total_unit == "ns" and total else ""
    taken = label(nanos, "nanoseconds")
    return f"Duration: {taken}, Total samples = {report.format(report.total, unit)} {share}"


def active_filters(options: Options) -> list[str]:
    """The lines that name the filters in force."""
    pairs = [(name, getattr(options, name)) for name in _FILTERS]
    shown = [f"{name}={value}" for name, value in pairs if value]
    if not shown:
        return []
    return ["Active filters:", *("   " + (s[:80] + "…" if len(s) > 80 else s) for s in shown)]  # noqa: PLR2004 the tool's width
