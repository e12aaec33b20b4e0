"""What `chaosmem profile gctrace | goroutines | layers` print, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chaosmem import units

if TYPE_CHECKING:
    from chaosmem.profile.dumps import Goroutines, Stack
    from chaosmem.profile.layers import Balance, Fragmentation, KindTotal
    from chaosmem.profile.trace import GcCycles, GcTrace, HotReport, RuntimeLines

_FRAMES = 8


def clean(text: str) -> str:
    """Text of others without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def trace_head(trace: GcTrace, lines: RuntimeLines) -> Iterator[str]:
    """What the log held."""
    yield f"{len(trace.cycles)} cycles in {trace.lines} lines"
    if not (trace.cycles or lines.records):
        yield "no trace line: was the process started with GODEBUG=gctrace=1?"
    if trace.missing_cycles:
        yield f"{trace.missing_cycles} cycles are missing between them: shares are lower bounds"
    kinds = sorted({type(r).__name__ for r in lines.records})
    for kind in kinds:
        yield f"{sum(type(r).__name__ == kind for r in lines.records)} {kind} lines"
    damaged = trace.damaged_lines + lines.damaged_lines
    if damaged:
        yield f"{damaged} damaged lines were left out:"
    for damage in (*trace.damage, *lines.damage)[:5]:
        yield f"  line {damage.line}: {damage.kind}: {clean(damage.excerpt)}"


def run_lines(run: GcCycles, count: int) -> Iterator[str]:
    """The cycles of one process."""
    first, last = run[0], run[-1]
    source = f" of {clean(first.source)}" if first.source else ""
    yield ""
    yield (
        f"Cycles {first.number} to {last.number}{source}, {first.start_seconds:.3f} s to "
        f"{last.end_seconds:.3f} s, {int(run.forced.sum())} forced"
    )
    yield "  cycle     start   pause    mark  CPU   heap MiB (start end live)     goal"
    for cycle in run[-count:] if count else ():
        kind = " forced" if cycle.forced else " periodic" if cycle.periodic else ""
        yield (
            f"{cycle.number:>7} {cycle.start_seconds:>8.3f}s"
            f" {units.human_seconds(cycle.pause_seconds):>7}"
            f" {units.human_seconds(cycle.clock.mark):>7} {cycle.cpu_percent:>3}%"
            f" {cycle.heap_start_mib:>8} {cycle.heap_end_mib:>7} {cycle.heap_marked_mib:>7}"
            f" {cycle.goal_mib:>8}{kind}"
        )


def hot_lines(hot: HotReport) -> Iterator[str]:
    """When the collector was hot."""
    window = f"{units.format_duration(hot.window_seconds)} ({hot.share})"
    if hot.peak_share is None:
        yield f"GC-hot: unknown, the trace is shorter than the window of {window}"
        return
    limit = units.format_percent(hot.threshold)
    yield f"GC-hot: peak {hot.peak_share:.1%} of {window}; {len(hot.periods)} periods above {limit}"
    for period in hot.periods:
        life = period.lifetime
        marks = "" if life.marks_per_byte is None else f", {life.marks_per_byte:.1f} marks a byte"
        yield (
            f"  {period.from_seconds:.3f} s to {period.to_seconds:.3f} s, peak"
            f" {period.peak_share:.1%}, cycles {period.cycles[0]} to {period.cycles[1]}:"
            f" {life.match}{marks}"
        )


def dump_lines(dump: Goroutines, count: int) -> Iterator[str]:
    """The dump and its largest groups."""
    yield f"{dump.total} goroutines, {len(dump.groups)} groups ({dump.form})"
    if dump.truncated:
        yield "The dump is truncated: every count is a lower bound"
    if dump.damaged:
        yield f"{dump.damaged} damaged goroutines left out, the first at byte {dump.first_damage}"
    if dump.ungrouped:
        yield f"{dump.ungrouped} goroutines have further stacks, which are not kept"
    for group in dump.groups[:count]:
        longest = f", up to {group.minutes[-1][0]} min" if group.minutes else ""
        state = " ".join(filter(None, [group.status, group.reason and f"({group.reason})"]))
        yield f"{group.count:>8}  {_stack(group.stack)}"
        yield f"{'':>8}  {clean(state) or 'state unknown'}{longest}"


def finding_lines(
    after: Goroutines, before: Goroutines | None, minutes: int, least: int, count: int
) -> Iterator[str]:
    """Growth and leak candidates."""
    from chaosmem.profile.dumps import growth, leak_candidates  # noqa: PLC0415

    if before is not None:
        report = growth(before, after)
        exact = "" if report.exact else " (lower bounds: a dump is not whole)"
        yield f"\nGrowth: {report.before} to {report.after} goroutines{exact}"
        for row in report.stacks[:count]:
            yield f"{row.delta:>+8}  {_stack(row.stack)} ({row.before} to {row.after})"
    found = leak_candidates(after, before, min_count=least, minutes=minutes)
    yield f"\nLeak candidates: {len(found)}"
    for item in found[:count]:
        expected = "; waits by design, judge by the count" if item.expected else ""
        yield f"{item.count:>8}  {_stack(item.stack)}: {', '.join(item.signs)}{expected}"


def _stack(stack: Stack) -> str:
    """A stack on one line, leaf first."""
    names = [clean(frame.function or "?") for frame in stack[:_FRAMES]]
    more = f" < {len(stack) - _FRAMES} more" if len(stack) > _FRAMES else ""
    return " < ".join(names) + more


def balance_lines(balance: Balance) -> str:
    """A whole, its parts and the rest."""
    rows = [
        f"{units.human_bytes(balance.whole.value):>12}  {balance.name} [{balance.whole.source}]"
    ]
    rows += [
        f"{units.human_bytes(p.value):>12}    {p.name} [{p.source}]"
        for p in balance.parts
        if p.value
    ]
    share = "" if balance.rest_share is None else f" ({balance.rest_share:.1%})"
    rows.append(f"{units.human_bytes(balance.rest):>12}    unexplained{share}: {balance.note}\n")
    return "\n".join(rows)


def kind_line(total: KindTotal) -> str:
    """The mappings of one kind."""
    name = f" {clean(total.name)}" if total.name else ""
    return f"{units.human_bytes(total.rss):>12}  {total.kind}{name} ({total.mappings} mappings)"


def fragment_lines(found: Fragmentation) -> Iterator[str]:
    """Waste inside and between spans."""
    human = units.human_bytes
    yield ""
    yield f"{human(found.unused_bytes):>12}  in spans in use, in no object"
    yield f"{human(found.between):>12}    free slots between live objects"
    yield f"{human(found.unavoidable):>12}    tails and last spans, unavoidable"
    yield f"{human(found.inside_max):>12}  at most inside the slots (rounding up to a size class)"
    for use in found.classes[:5]:
        yield (
            f"{human(use.live_bytes):>12}    class {use.size_class.size} B: {use.live} objects,"
            f" at least {use.least_spans} spans"
        )
