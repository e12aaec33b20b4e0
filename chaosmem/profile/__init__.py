"""Profiles, read into columns and reported with the numbers of `go tool pprof`.

    profile = read(capture)                       # protobuf or debug=1 text, compressed or not
    top(profile, n=10).rows                       # as `go tool pprof -top`
    diff(after, base)                             # as `-diff_base`
    growth(base, after).match("cart.(*Cache).Fill")   # is that where the memory went?

Modules are imported when one of their names is first used: numpy takes 0.1 s, and the trace lines
and dumps next door do not need it. So no module may have the name of a thing that is exported.

Pure: bytes in, values out. See docs/profile.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaosmem.profile.attribution import IGNORED, Growth, Match, StackGrowth, growth
    from chaosmem.profile.bylabel import ByLabel, LabelRow, by_label
    from chaosmem.profile.columns import (
        Functions,
        Labels,
        Locations,
        Mapping,
        Profile,
        Samples,
        ValueType,
    )
    from chaosmem.profile.combine import diff, merge, scaled
    from chaosmem.profile.options import GRANULARITIES, Granularity, Options
    from chaosmem.profile.reading import read
    from chaosmem.profile.samples_text import traces
    from chaosmem.profile.sampling import Estimate
    from chaosmem.profile.source_lines import Listing, Routine, SourceLine, listing
    from chaosmem.profile.tops import Top, TopRow, top
    from chaosmem.profile.trees import Call, Tree, TreeNode, peek, tree
    from chaosmem.profile.unpack import MAX_BYTES
    from chaosmem.profile.viewers import folded, speedscope

__all__ = [
    "GRANULARITIES",
    "IGNORED",
    "MAX_BYTES",
    "ByLabel",
    "Call",
    "Estimate",
    "Functions",
    "Granularity",
    "Growth",
    "LabelRow",
    "Labels",
    "Listing",
    "Locations",
    "Mapping",
    "Match",
    "Options",
    "Profile",
    "Routine",
    "Samples",
    "SourceLine",
    "StackGrowth",
    "Top",
    "TopRow",
    "Tree",
    "TreeNode",
    "ValueType",
    "by_label",
    "diff",
    "folded",
    "growth",
    "listing",
    "merge",
    "peek",
    "read",
    "scaled",
    "speedscope",
    "top",
    "traces",
    "tree",
]

_HOME = {
    "ByLabel": "bylabel",
    "Call": "trees",
    "Estimate": "sampling",
    "Functions": "columns",
    "GRANULARITIES": "options",
    "Granularity": "options",
    "Growth": "attribution",
    "IGNORED": "attribution",
    "LabelRow": "bylabel",
    "Labels": "columns",
    "Listing": "source_lines",
    "Locations": "columns",
    "MAX_BYTES": "unpack",
    "Mapping": "columns",
    "Match": "attribution",
    "Options": "options",
    "Profile": "columns",
    "Routine": "source_lines",
    "Samples": "columns",
    "SourceLine": "source_lines",
    "StackGrowth": "attribution",
    "Top": "tops",
    "TopRow": "tops",
    "Tree": "trees",
    "TreeNode": "trees",
    "ValueType": "columns",
    "by_label": "bylabel",
    "diff": "combine",
    "folded": "viewers",
    "growth": "attribution",
    "listing": "source_lines",
    "merge": "combine",
    "peek": "trees",
    "read": "reading",
    "scaled": "combine",
    "speedscope": "viewers",
    "top": "tops",
    "traces": "samples_text",
    "tree": "trees",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
