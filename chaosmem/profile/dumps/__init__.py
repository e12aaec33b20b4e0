"""Goroutine dumps: who waits where, for how long, and what grows."""

from __future__ import annotations

from chaosmem.profile.dumps.findings import (
    Candidate,
    Growth,
    GrowthReport,
    LongBlocked,
    Sign,
    blocked_for,
    growth,
    leak_candidates,
)
from chaosmem.profile.dumps.groups import group_stacks, visible
from chaosmem.profile.dumps.header import Header, parse_header
from chaosmem.profile.dumps.read import parse_goroutines, read_goroutines
from chaosmem.profile.dumps.records import (
    Form,
    Frame,
    Goroutine,
    Goroutines,
    Group,
    LabelCount,
    Stack,
    State,
)

__all__ = [
    "Candidate",
    "Form",
    "Frame",
    "Goroutine",
    "Goroutines",
    "Group",
    "Growth",
    "GrowthReport",
    "Header",
    "LabelCount",
    "LongBlocked",
    "Sign",
    "Stack",
    "State",
    "blocked_for",
    "group_stacks",
    "growth",
    "leak_candidates",
    "parse_goroutines",
    "parse_header",
    "read_goroutines",
    "visible",
]
