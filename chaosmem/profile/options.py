"""What a report is asked to show: the flags of `go tool pprof` under their own names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from chaosmem.errors import UsageError

Granularity: TypeAlias = Literal["functions", "filefunctions", "files", "lines", "addresses"]
GRANULARITIES: Final = get_args(Granularity)


@dataclass(frozen=True, slots=True)
class Options:
    """Flags of a report; each has the name, the meaning and the default of pprof's own.

    Patterns are Go regular expressions over function name, file name and binary's name; "" is off.

    Attributes:
        sample_index: which values: a sample type's name, its index, or None for the default.
        mean: average over the first value.
        granularity: what a row is.
        noinlines: count inlined calls as their caller's.
        showcolumns: tell columns of a line apart.
        focus: only samples with a frame that matches.
        ignore: only samples without a frame that matches.
        hide: drop the frames that match.
        show: only the frames that match.
        show_from: drop the frames above the highest that matches.
        prune_from: drop the frames below the lowest that matches.
        tagfocus: only samples with a label that matches: "regexp", "key=regexp" or a range
            ("bytes=1kb:10kb").
        tagignore: only samples without a label that matches.
        tagshow: only labels whose key matches.
        taghide: drop labels whose key matches.
        tagroot: label keys (commas between) that become frames at the root.
        tagleaf: label keys that become frames at the leaf.
        cum: sort by cum instead of flat.
        nodecount: rows at most; 0 is all, -1 the report's own default.
        nodefraction: drop rows whose cum is below this part of the total.
        edgefraction: drop calls below this part of the total.
        trim: honour the three above.
        drop_negative: drop rows below zero.
        relative_percentages: percentages of what remains after focus and ignore.
        unit: of the values; "minimum" for one that fits the smallest, "auto" for one each.
        divide_by: divide every value.
        compact_labels: no header about the profile itself.
        trim_path: prefix to cut from file names.
    """

    sample_index: str | int | None = None
    mean: bool = False
    granularity: Granularity = "functions"
    noinlines: bool = False
    showcolumns: bool = False
    focus: str = ""
    ignore: str = ""
    hide: str = ""
    show: str = ""
    show_from: str = ""
    prune_from: str = ""
    tagfocus: str = ""
    tagignore: str = ""
    tagshow: str = ""
    taghide: str = ""
    tagroot: str = ""
    tagleaf: str = ""
    cum: bool = False
    nodecount: int = -1
    nodefraction: float = 0.005
    edgefraction: float = 0.001
    trim: bool = True
    drop_negative: bool = False
    relative_percentages: bool = False
    unit: str = "minimum"
    divide_by: float = 1.0
    compact_labels: bool = False
    trim_path: str = ""

    def __post_init__(self) -> None:
        if self.granularity not in GRANULARITIES:
            known = ", ".join(GRANULARITIES)
            raise UsageError(f"granularity {self.granularity!r} is none of {known}")
        if not self.divide_by:
            raise UsageError("divide_by is 0")


DEFAULT: Final = Options()
