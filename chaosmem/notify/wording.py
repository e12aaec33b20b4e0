"""A message as text: plain for mails and issues, and in Slack's notation."""

from __future__ import annotations

from collections.abc import Iterator

from chaosmem.notify.message import Amount, Notification, Told
from chaosmem.verify.words import amount


def text(note: Notification) -> str:
    """The whole message below its title, plain text."""
    return "\n".join(_lines(note))


def slack(note: Notification) -> str:
    """The whole message in mrkdwn: the title bold, nothing in it a mention or a link."""
    title, body = (_escaped(part) for part in (note.title, text(note)))
    return f"*{title}*\n{body}"


def _escaped(words: str) -> str:
    """Slack's three characters: with them no text becomes <!channel>, a link or a user."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(note: Notification) -> Iterator[str]:
    yield note.says
    if note.findings:
        yield ""
        for finding in note.findings:
            yield from _finding(finding)
    if note.left_out:
        yield f"… and {note.left_out} more that did not pass"
    yield ""
    yield from _did(note)
    if note.run_id:
        yield f"run: {note.run_id} on {note.host}, {note.at}"
    else:
        yield f"sent from {note.host}, {note.at}"
    if note.report:
        yield f"report: {note.report}"


def _did(note: Notification) -> Iterator[str]:
    if note.targets:
        yield f"target: {', '.join(note.targets)}"
    yield from (f"fault: {line}" for line in note.did)
    yield from (f"{name}: {value}" for name, value in note.labels.items())


def _finding(finding: Told) -> Iterator[str]:
    where = " ".join(part for part in (finding.trial, finding.target) if part)
    yield f"{finding.outcome} {finding.name}" + (f" ({where})" if where else "")
    yield f"    {finding.reason}"
    if finding.numbers:
        yield "    " + ", ".join(f"{name} {_number(n)}" for name, n in finding.numbers.items())


def _number(given: Amount) -> str:
    error = "" if given.error is None else f" ± {amount(given.error, given.unit)}"
    return amount(given.value, given.unit) + error
