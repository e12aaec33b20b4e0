"""What every part of the spec shares: the frozen base model, quantities and moments."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from chaosmem import units


class Model(BaseModel):
    """A frozen part of a spec; unknown keys are errors, YAML names are camelCase."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


def _quantity(parse: Any, show: Any, example: str, what: str) -> tuple[Any, ...]:
    schema = {"type": ["string", "number"], "description": what, "examples": [example]}
    return BeforeValidator(parse), PlainSerializer(show), WithJsonSchema(schema)


Bytes = Annotated[
    int, *_quantity(units.parse_bytes, units.format_bytes, "64MiB", "An amount of memory.")
]
Seconds = Annotated[
    float, *_quantity(units.parse_duration, units.format_duration, "5s", "A length of time.")
]
Share = Annotated[
    float,
    *_quantity(units.parse_percent, units.format_percent, "80%", "A share, as percent or 0..1."),
]
BytesPerSecond = Annotated[
    float,
    *_quantity(units.parse_byte_rate, units.format_byte_rate, "8MiB/s", "Bytes a second."),
]
PerSecond = Annotated[
    float, *_quantity(units.parse_frequency, units.format_frequency, "10/s", "Times a second.")
]


class Phase(StrEnum):
    """The phases of a trial, in their order."""

    WARMUP = "warmup"
    BASELINE = "baseline"
    INJECT = "inject"
    HOLD = "hold"
    RELEASE = "release"
    RECOVER = "recover"


_MOMENT = re.compile(
    r"(?P<phase>warmup|baseline|inject|hold|release|recover)"
    r"(?:\.(?P<edge>start|end)|\+(?P<after>\S+))"
)


class Moment(Model):
    """A point of a trial: `hold.end`, `recover.start` or `hold+2s`."""

    phase: Phase
    edge: Literal["start", "end"] = "start"
    after: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read `phase.start`, `phase.end` or `phase+DURATION`; raise ValueError else."""
        match = _MOMENT.fullmatch(text)
        if match is None:
            msg = (
                f"{text!r} is no moment of a trial; write phase.start, phase.end or phase+2s, "
                f"where phase is one of {', '.join(Phase)}"
            )
            raise ValueError(msg)
        after = units.parse_duration(match["after"]) if match["after"] else 0.0
        return cls(phase=Phase(match["phase"]), edge=match["edge"] or "start", after=after)

    def __str__(self) -> str:
        if self.after:
            return f"{self.phase}+{units.format_duration(self.after)}"
        return f"{self.phase}.{self.edge}"


def _moment(value: object) -> object:
    return Moment.parse(value) if isinstance(value, str) else value


MomentField = Annotated[
    Moment,
    BeforeValidator(_moment),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["baseline.end", "hold.end", "hold+2s"]}),
]
