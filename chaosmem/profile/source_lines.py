"""`list`: the lines of the functions that match, with what each line costs.

Source: github.com/google/pprof/internal/report (source.go, printSource, getSourceFromFile).
The source text comes from whoever calls: this package reads no files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chaosmem.errors import UsageError
from chaosmem.profile.columns import Profile
from chaosmem.profile.graph import weigh
from chaosmem.profile.measurement import percentage
from chaosmem.profile.nodes import Nodes, build_nodes
from chaosmem.profile.options import DEFAULT, Options
from chaosmem.profile.pattern import compile_pattern
from chaosmem.profile.report import Report, prepare

_MARGIN = 5  # lines shown around those that have samples

Source = Callable[[str], Sequence[str] | None]
"""From a file name as the profile has it to the file's lines; None if it cannot be found."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line: its number, its text ("" if the source is not there) and its values."""

    number: int
    text: str
    flat: int
    cum: int


@dataclass(frozen=True, slots=True)
class Routine:
    """A function in a file.

    Attributes:
        name, file: as in the profile.
        flat, cum: sums over its lines.
        lines: those with values and, if the source is there, those between and around them.
        found: whether the source is there.
    """

    name: str
    file: str
    flat: int
    cum: int
    lines: tuple[SourceLine, ...]
    found: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """The functions that match, by name.

    Attributes:
        routines: the functions, once for each file that they are in.
        total: what percentages are of.
        unit: the values' unit.
        warnings: options that matched nothing.
    """

    routines: tuple[Routine, ...]
    total: int
    unit: str
    warnings: tuple[str, ...]
    _report: Report

    def text(self) -> str:
        """The report as pprof prints it."""
        lines = [f"Total: {self._format(self.total)}"]
        for routine in self.routines:
            lines += self._routine(routine)
        return "\n".join(lines) + "\n"

    def _routine(self, routine: Routine) -> list[str]:
        if not routine.file:
            return [f"No source information for {routine.name}"]
        flat, cum = self._format(routine.flat), self._format(routine.cum)
        share = percentage(routine.cum, self.total)
        head = [
            f"ROUTINE ======================== {routine.name} in {routine.file}",
            f"{flat:>10} {cum:>10} (flat, cum) {share} of Total",
        ]
        if not routine.found:
            head.append(f" Error: could not find file {routine.file}")
        return head + [self._line(line) for line in routine.lines]

    def _line(self, line: SourceLine) -> str:
        flat, cum = self._dotted(line.flat), self._dotted(line.cum)
        return f"{flat:>10} {cum:>10} {line.number:>6}:{line.text}"

    def _dotted(self, value: int) -> str:
        return self._format(value) if value else "."

    def _format(self, value: int) -> str:
        return self._report.format(value, self._report.options.unit)


def listing(
    profile: Profile, pattern: str, *, source: Source, options: Options = DEFAULT
) -> Listing:
    """The functions whose name matches, line by line: `go tool pprof -list`.

    Raises:
        UsageError: nothing matches, an option is malformed, or the sample type is not there.
    """
    report = prepare(profile, replace(options, granularity="lines"))
    nodes = build_nodes(report.profile, report.options, object_files=True)
    weights = weigh(report.weighted(), nodes)
    values = {
        node: (int(weights.flat[node]), int(weights.cum[node]))
        for node in range(len(nodes))
        if weights.flat[node] or weights.cum[node]
    }
    compiled = compile_pattern(pattern, "list")
    groups: dict[tuple[str, str], list[int]] = {}
    for node in values:
        if compiled.search(nodes.name[node]):
            groups.setdefault((nodes.name[node], nodes.file[node]), []).append(node)
    if not groups:
        raise UsageError(f"no matches found for regexp: {pattern}")
    with_file = {name for name, file in groups if file}
    routines = tuple(
        _routine(name, file, nodes, {node: values[node] for node in own}, source)
        for (name, file), own in sorted(groups.items())
        if file or name not in with_file
    )
    return Listing(routines, report.total, report.unit, report.warnings, report)


def _routine(
    name: str, file: str, nodes: Nodes, values: dict[int, tuple[int, int]], source: Source
) -> Routine:
    by_line: dict[int, list[int]] = {}
    for node, (flat, cum) in values.items():
        sums = by_line.setdefault(int(nodes.line[node]), [0, 0])
        sums[0] += flat
        sums[1] += cum
    text = source(file) if file else None
    numbers = _shown(nodes, list(values), len(text)) if text is not None else sorted(by_line)
    lines = tuple(
        SourceLine(
            number, text[number - 1] if text is not None else "", *by_line.get(number, (0, 0))
        )
        for number in numbers
    )
    flat, cum = (sum(value[i] for value in values.values()) for i in (0, 1))
    return Routine(name, file, flat, cum, lines, text is not None)


def _shown(nodes: Nodes, own: list[int], length: int) -> range:
    """From the function's start to a little after its last line that has a value."""
    numbers = [int(nodes.line[node]) for node in own]
    starts = [
        int(nodes.start_line[node]) or number - _MARGIN
        for node, number in zip(own, numbers, strict=True)
    ]
    return range(max(min(starts), 1), min(max(numbers) + _MARGIN, length) + 1)
