"""What is told, version 1: the body of a webhook. Fields are added, never renamed or removed."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from chaosmem.spec.notify import Occasion

VERSION: Final = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Amount(_Part):
    """A measured number: its unit (`s`, `By`, `1`, `%`, ...) and half the width of its error."""

    value: float
    unit: str
    error: float | None = None


class Told(_Part):
    """A finding that did not pass."""

    check: str
    name: str
    outcome: str
    trial: str = ""
    target: str = ""
    observed: str
    expected: str
    reason: str
    numbers: dict[str, Amount] = {}


class Tripped(_Part):
    """A guard that ended the run; `t` in seconds on the run's clock."""

    guard: str
    text: str
    t: float
    trial: str = ""


class Notification(_Part):
    """A message.

    Attributes:
        event: a verdict, a guard that tripped (the run is being undone just now), or a test.
        occasion: what channels choose by; None: a test, which goes to all.
        outcome: PASS, FAIL or INCONCLUSIVE; empty where there is no verdict yet.
        exit_code: what `chaosmem run` ends with; None where it is not known yet.
        says: one sentence: what decided it.
        did: what was done to the targets, fault by fault; what was planned and not done says so.
        findings: those that did not pass, the deciding ones first, at most 20.
        left_out: how many more did not pass.
        report: path of the report on `host`; empty where there is none yet.
    """

    version: Literal[1] = VERSION
    event: Literal["verdict", "guard", "test"]
    occasion: Occasion | None = None
    title: str
    says: str
    experiment: str = ""
    run_id: str = ""
    outcome: str = ""
    exit_code: int | None = None
    at: str
    host: str
    labels: dict[str, str] = {}
    targets: tuple[str, ...] = ()
    did: tuple[str, ...] = ()
    guard: Tripped | None = None
    findings: tuple[Told, ...] = ()
    left_out: int = 0
    report: str = ""

    def body(self) -> bytes:
        """As JSON, UTF-8."""
        return self.model_dump_json(by_alias=True).encode()
