"""Profiles, read into columns and reported with the numbers of `go tool pprof`.

    profile = read(capture)                       # protobuf or debug=1 text, compressed or not
    top(profile, n=10).rows                       # as `go tool pprof -top`
    diff(after, base)                             # as `-diff_base`
    growth(base, after).match("cart.(*Cache).Fill")   # is that where the memory went?

Pure: bytes in, values out. See docs/profile.md.
"""

from __future__ import annotations

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
from chaosmem.profile.folded import folded, speedscope
from chaosmem.profile.growth import IGNORED, Growth, Match, StackGrowth, growth
from chaosmem.profile.listing import Listing, Routine, SourceLine, listing
from chaosmem.profile.merge import diff, merge, scaled
from chaosmem.profile.options import GRANULARITIES, Granularity, Options
from chaosmem.profile.reading import read
from chaosmem.profile.sampling import Estimate
from chaosmem.profile.tops import Top, TopRow, top
from chaosmem.profile.traces import traces
from chaosmem.profile.trees import Call, Tree, TreeNode, peek, tree
from chaosmem.profile.unpack import MAX_BYTES

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
