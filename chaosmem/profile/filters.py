"""focus, ignore, hide, show, show_from, prune_from: which samples and frames a report is about.

Each gives a new profile. Source: github.com/google/pprof/profile (filter.go, prune.go) and
internal/driver/driver_focus.go, whose order of application is kept.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from chaosmem.profile.columns import Bool, Int64, Profile, offsets
from chaosmem.profile.options import Options
from chaosmem.profile.pattern import compile_pattern
from chaosmem.profile.tags import filter_label_keys, filter_samples_by_tag

_RESERVED = re.compile(r"\(anonymous namespace\)|operator\(\)|\(")


def filtered(profile: Profile, options: Options) -> tuple[Profile, tuple[str, ...]]:
    """The samples and frames that `options` lets through, and a warning for each idle option.

    Raises:
        UsageError: an option is no pattern.
    """
    patterns = {
        name: compile_pattern(getattr(options, name), name) if getattr(options, name) else None
        for name in ("focus", "ignore", "hide", "show", "show_from", "prune_from")
    }
    warnings: list[str] = []
    profile = _by_name(profile, patterns, warnings)
    if patterns["show_from"]:
        profile, matched = _show_from(profile, patterns["show_from"])
        _warn(warnings, "ShowFrom", matched=matched)
    profile = filter_samples_by_tag(profile, options, warnings)
    profile = filter_label_keys(profile, options, warnings)
    if patterns["prune_from"]:
        profile = _prune_from(profile, patterns["prune_from"])
    return profile, tuple(warnings)


def drop_uninteresting(profile: Profile) -> Profile:
    """Without the frames that the profile itself asks to drop (drop_frames, keep_frames)."""
    if not profile.drop_frames:
        return profile
    drop = compile_pattern(f"^({profile.drop_frames})$", "drop_frames")
    keep = compile_pattern(f"^({profile.keep_frames})$", "keep_frames")
    names = [_simplified(profile.function_name(i)) for i in range(len(profile.functions))]
    prunes = np.array(
        [
            bool(name and drop.search(name) and not (profile.keep_frames and keep.search(name)))
            for name in names
        ],
        np.bool_,
    )
    return _prune(profile, prunes)


def _warn(warnings: list[str], option: str, *, matched: bool) -> None:
    if not matched:
        warnings.append(f"{option} expression matched no samples")


def _lines_matching(profile: Profile, pattern: re.Pattern[str]) -> Bool:
    """Per line: its function's name or file matches."""
    functions = profile.functions
    hits = [bool(pattern.search(text)) for text in profile.strings]
    of_string = np.array([*hits, False], np.bool_)
    of_function = np.append(of_string[functions.name] | of_string[functions.filename], False)
    matching: Bool = of_function[profile.locations.function]
    return matching


def _mappings_matching(profile: Profile, pattern: re.Pattern[str]) -> Bool:
    """Per location: its binary's name matches."""
    hits = [bool(pattern.search(mapping.file)) for mapping in profile.mappings]
    matching: Bool = np.array([*hits, False], np.bool_)[profile.locations.mapping]
    return matching


def _any_line(profile: Profile, lines: Bool) -> Bool:
    return np.bincount(profile.locations.owners()[lines], minlength=len(profile.locations)) > 0


def _matches(profile: Profile, pattern: re.Pattern[str]) -> Bool:
    """Per location: a function, file or binary of it matches."""
    lines = _lines_matching(profile, pattern)
    return _any_line(profile, lines) | _mappings_matching(profile, pattern)


def _by_name(
    profile: Profile, patterns: dict[str, re.Pattern[str] | None], warnings: list[str]
) -> Profile:
    focus, ignore = patterns["focus"], patterns["ignore"]
    hide, show = patterns["hide"], patterns["show"]
    if not (focus or ignore or hide or show):
        return profile
    nothing = np.zeros(len(profile.locations), np.bool_)
    ignored = _matches(profile, ignore) if ignore else nothing
    focused = (_matches(profile, focus) if focus else ~nothing) & ~ignored
    _warn(warnings, "Focus", matched=not focus or bool(focused.any()))
    _warn(warnings, "Ignore", matched=not ignore or bool(ignored.any()))
    profile, hidden = _hide_and_show(profile, hide, show, warnings)
    has_ignored = _samples_having(profile, ignored)
    has_focused = _samples_having(profile, focused)
    profile = keep_samples(profile, np.flatnonzero(has_focused & ~has_ignored))
    if hidden.any():
        profile = _keep_frames(profile, ~hidden[profile.samples.stack])
        profile = keep_samples(profile, np.flatnonzero(profile.samples.depths()))
    return profile


def _hide_and_show(
    profile: Profile,
    hide: re.Pattern[str] | None,
    show: re.Pattern[str] | None,
    warnings: list[str],
) -> tuple[Profile, Bool]:
    """The profile with those lines gone, and which locations are hidden altogether."""
    hidden = np.zeros(len(profile.locations), np.bool_)
    if hide:
        matched = _matches(profile, hide)
        binary = _mappings_matching(profile, hide)
        gone = _lines_matching(profile, hide) | binary[profile.locations.owners()]
        profile = keep_lines(profile, ~gone)
        hidden |= matched & (np.diff(profile.locations.line_start) == 0)
        _warn(warnings, "Hide", matched=bool(matched.any()))
    if show:
        binary = _mappings_matching(profile, show)
        kept = _lines_matching(profile, show) | binary[profile.locations.owners()]
        profile = keep_lines(profile, kept)
        empty = np.diff(profile.locations.line_start) == 0
        hidden |= empty
        _warn(warnings, "Show", matched=not bool(empty.all()))
    return profile, hidden


def _samples_having(profile: Profile, locations: Bool) -> Bool:
    """Per sample: a frame is one of these locations."""
    samples = profile.samples
    owner = np.repeat(np.arange(len(samples)), samples.depths())
    return np.bincount(owner[locations[samples.stack]], minlength=len(samples)) > 0


def _show_from(profile: Profile, pattern: re.Pattern[str]) -> tuple[Profile, bool]:
    """Cuts what is above the highest match; samples without one go."""
    locations = profile.locations
    whole = _mappings_matching(profile, pattern)
    lines = _lines_matching(profile, pattern)
    owner = locations.owners()
    last = np.full(len(locations), -1, np.int64)
    last[owner[lines]] = np.flatnonzero(lines)  # the last assignment is the highest line
    matched = whole | (last >= 0)
    limit = np.where(whole | (last < 0), locations.line_start[1:] - 1, last)
    profile = keep_lines(profile, np.arange(len(lines)) <= limit[owner])
    samples = profile.samples
    hits = np.flatnonzero(matched[samples.stack])
    of_sample = np.repeat(np.arange(len(samples)), samples.depths())
    highest = np.full(len(samples), -1, np.int64)
    highest[of_sample[hits]] = hits
    keep = np.arange(len(samples.stack)) <= highest[of_sample]
    profile = keep_samples(_keep_frames(profile, keep), np.flatnonzero(highest >= 0))
    return profile, bool(matched.any())


def _prune_from(profile: Profile, pattern: re.Pattern[str]) -> Profile:
    """Cuts what is below the lowest match."""
    names = [_simplified(profile.function_name(i)) for i in range(len(profile.functions))]
    hits = np.array([bool(name and pattern.search(name)) for name in names], np.bool_)
    locations = profile.locations
    lines = hits[locations.function]
    first = np.full(len(locations), -1, np.int64)
    places = np.flatnonzero(lines)[::-1]
    owner = locations.owners()
    first[owner[places]] = places  # the last assignment is the lowest line
    profile = keep_lines(profile, np.arange(len(lines)) >= first[owner])
    samples = profile.samples
    of_sample = np.repeat(np.arange(len(samples)), samples.depths())
    lowest = np.full(len(samples), -1, np.int64)
    frames = np.flatnonzero((first >= 0)[samples.stack])[::-1]
    lowest[of_sample[frames]] = frames
    return _keep_frames(profile, np.arange(len(samples.stack)) >= lowest[of_sample])


def _prune(profile: Profile, prunes: Bool) -> Profile:
    """Cuts the functions marked in `prunes` and all below them, below the first user frame."""
    locations = profile.locations
    lines = prunes[locations.function]
    owner = locations.owners()
    last = np.full(len(locations), -1, np.int64)
    last[owner[lines]] = np.flatnonzero(lines)
    beneath = last >= 0
    whole = beneath & (last == locations.line_start[1:] - 1)
    keep = (np.arange(len(lines)) > last[owner]) | whole[owner]
    profile = keep_lines(profile, keep)
    samples = profile.samples
    stack = samples.stack
    frame_keep = np.ones(len(stack), np.bool_)
    for row in np.flatnonzero(_samples_having(profile, beneath)).tolist():
        start, stop = int(samples.stack_start[row]), int(samples.stack_start[row + 1])
        cut = _prune_at(beneath[stack[start:stop]], whole[stack[start:stop]])
        frame_keep[start : start + cut] = False
    return _keep_frames(profile, frame_keep)


def _prune_at(beneath: Bool, whole: Bool) -> int:
    """How many frames from the leaf on are cut."""
    user = np.flatnonzero(~beneath)
    hits = np.flatnonzero(beneath)
    hits = hits[hits < user[-1]] if len(user) else hits[:0]
    if not len(hits):
        return 0
    highest = int(hits[-1])
    return highest + 1 if whole[highest] else highest


def _simplified(name: str) -> str:
    """`name` without its argument list (prune.go, simplifyFunc)."""
    name = name.removeprefix(".")
    for match in _RESERVED.finditer(name):
        if match[0] == "(":
            return name[: match.start()]
    return name


def keep_samples(profile: Profile, rows: Int64) -> Profile:
    """Only these samples."""
    if len(rows) == len(profile):
        return profile
    labels = profile.labels.take(rows, len(profile))
    return replace(profile, samples=profile.samples.take(rows), labels=labels)


def keep_lines(profile: Profile, keep: Bool) -> Profile:
    """Only these lines of the locations."""
    if keep.all():
        return profile
    locations = profile.locations
    counts = np.bincount(locations.owners()[keep], minlength=len(locations))
    kept = replace(
        locations,
        line_start=offsets(counts),
        function=locations.function[keep],
        line=locations.line[keep],
        column=locations.column[keep],
    )
    return replace(profile, locations=kept)


def _keep_frames(profile: Profile, keep: Bool) -> Profile:
    """Only these frames of the samples' stacks."""
    samples = profile.samples
    owner = np.repeat(np.arange(len(samples)), samples.depths())
    counts = np.bincount(owner[keep], minlength=len(samples))
    cut = replace(samples, stack_start=offsets(counts), stack=samples.stack[keep])
    return replace(profile, samples=cut)
