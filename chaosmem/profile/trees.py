"""`tree` and `peek`: each node between its callers and its callees.

Source: github.com/google/pprof/internal/report (report.go, printTree).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import tzinfo

from chaosmem.errors import UsageError
from chaosmem.profile.columns import Profile
from chaosmem.profile.edges import Edges
from chaosmem.profile.measurement import percentage
from chaosmem.profile.options import DEFAULT, Options
from chaosmem.profile.pattern import compile_pattern
from chaosmem.profile.report import prepare
from chaosmem.profile.tops import report_head
from chaosmem.profile.trim import Trimmed, trim, untrimmed

_TREE_NODES = 80  # pprof's default for every report but top
_SEPARATOR = "----------------------------------------------------------+-------------"
_LEGEND = "      flat  flat%   sum%        cum   cum%   calls calls% + context \t \t "


@dataclass(frozen=True, slots=True)
class Call:
    """A call between the node and another one.

    Attributes:
        name: the other node.
        value: sum over the samples that have the call.
        inline: whether it was inlined in all of them.
    """

    name: str
    value: int
    inline: bool


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node and its calls, largest first."""

    name: str
    flat: int
    cum: int
    callers: tuple[Call, ...]
    callees: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The nodes, largest first.

    Attributes:
        nodes: the nodes.
        total: what percentages are of.
        unit: the values' unit.
        warnings: options that matched nothing.
    """

    nodes: tuple[TreeNode, ...]
    total: int
    unit: str
    warnings: tuple[str, ...]
    _trimmed: Trimmed

    def text(self, zone: tzinfo | None = None) -> str:
        """The report as pprof prints it."""
        lines = report_head(self._trimmed.report, self._trimmed, zone)
        lines += [_SEPARATOR, _LEGEND]
        sums = 0
        for node in self.nodes:
            sums += node.flat
            lines.append(_SEPARATOR)
            lines += [self._call(call, node.cum) for call in node.callers]
            lines.append(self._node(node, sums))
            lines += [self._call(call, node.cum) for call in node.callees]
        if len(self._trimmed.order):
            lines.append(_SEPARATOR)
        return "\n".join(lines) + "\n"

    def _call(self, call: Call, cum: int) -> str:
        inline = " (inline)" if call.inline else ""
        value = self._format(call.value)
        return f"{value:>50} {percentage(call.value, cum)} |   {call.name}{inline}"

    def _node(self, node: TreeNode, sums: int) -> str:
        return (
            f"{self._format(node.flat):>10} {percentage(node.flat, self.total)}"
            f" {percentage(sums, self.total)} {self._format(node.cum):>10}"
            f" {percentage(node.cum, self.total)}                | {node.name}"
        )

    def _format(self, value: int) -> str:
        return self._trimmed.report.format(value, self._trimmed.unit)


def tree(profile: Profile, options: Options = DEFAULT) -> Tree:
    """The call graph as text: `go tool pprof -tree`.

    Raises:
        UsageError: an option is malformed, or the sample type is not there.
    """
    return _tree(trim(prepare(profile, options), _TREE_NODES), "")


def peek(profile: Profile, pattern: str, options: Options = DEFAULT) -> Tree:
    """Callers and callees of the nodes whose name matches: `go tool pprof -peek`.

    Raises:
        UsageError: nothing matches, an option is malformed, or the sample type is not there.
    """
    shown = _tree(trim(prepare(profile, untrimmed(replace(options, trim=False))), 0), pattern)
    if not shown.nodes:
        raise UsageError(f"no matches found for regexp: {pattern}")
    return shown


def _tree(trimmed: Trimmed, pattern: str) -> Tree:
    compiled = compile_pattern(pattern, "peek")
    names = {node: trimmed.nodes.printable(node) for node in trimmed.order.tolist()}
    wanted = [node for node, name in names.items() if compiled.search(name)]
    callers, callees = _calls(trimmed, trimmed.edges(), set(wanted))
    nodes = tuple(
        TreeNode(
            names[node],
            int(trimmed.flat[node]),
            int(trimmed.cum[node]),
            callers.get(node, ()),
            callees.get(node, ()),
        )
        for node in wanted
    )
    report = trimmed.report
    return Tree(nodes, report.total, report.unit, report.warnings, trimmed)


_Calls = dict[int, tuple[Call, ...]]


def _calls(trimmed: Trimmed, edges: Edges, wanted: set[int]) -> tuple[_Calls, _Calls]:
    """(callers, callees) of the wanted nodes."""
    callers: dict[int, list[Call]] = {}
    callees: dict[int, list[Call]] = {}
    rows = zip(
        edges.caller.tolist(),
        edges.callee.tolist(),
        edges.weight.tolist(),
        edges.inline.tolist(),
        strict=True,
    )
    for caller, callee, value, inline in rows:
        if callee in wanted:
            call = Call(trimmed.nodes.printable(caller), value, inline)
            callers.setdefault(callee, []).append(call)
        if caller in wanted:
            call = Call(trimmed.nodes.printable(callee), value, inline)
            callees.setdefault(caller, []).append(call)
    return _sorted(callers), _sorted(callees)


def _sorted(calls: dict[int, list[Call]]) -> _Calls:
    def order(call: Call) -> tuple[int, bytes]:
        return -abs(call.value), call.name.encode("utf-8", "surrogateescape")

    return {node: tuple(sorted(own, key=order)) for node, own in calls.items()}
