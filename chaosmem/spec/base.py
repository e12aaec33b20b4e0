"""What every part of the spec shares: the frozen base model, quantities and moments."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from chaosmem import units


class Model(BaseModel):
    """A frozen part of a spec; unknown keys are errors, YAML names are camelCase."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
    )


WRITTEN = {"written": True}
"""Validation context of text: there, a number without its unit is refused as a likely slip."""

NUMBER = r"(\d+(\.\d*)?|\.\d+)"
BYTES_PATTERN = rf"^{NUMBER}([eE]\d+)? ?(B|[KMGTPE]i(B)?|[kMGTPE])?$"
DURATION_PATTERN = rf"^(0|({NUMBER}(ns|us|µs|ms|s|m|h))+)$"
SHARE_PATTERN = rf"^({NUMBER} ?%|0?\.\d+|0|1|1\.0*)$"
BYTE_RATE_PATTERN = rf"^{NUMBER} ?(B|[KMGTPE]i(B)?|[kMGTPE])? ?/ ?(s|sec|m|min|h)$"
FREQUENCY_PATTERN = rf"^{NUMBER} ?(Hz|/ ?(s|sec|m|min|h))$"


def is_number(value: object) -> bool:
    """Whether `value` is a number (a bool is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _with_unit(parse: Callable[[object], float], unit: str) -> Callable[[object, Any], float]:
    def read(value: object, info: ValidationInfo) -> float:
        if info.context == WRITTEN and is_number(value) and value != 0:
            raise ValueError(f"{value} has no unit; write {value}{unit}")
        return parse(value)

    return read


def quantity(
    parse: Callable[..., float],
    show: Callable[[Any], str],
    pattern: str,
    *examples: str,
    plain: dict[str, object] | None = None,
) -> tuple[object, ...]:
    """Annotations of a quantity: how it is read, printed, and described to editors.

    `plain` is the schema of the bare numbers that are accepted beside text.
    """
    number = plain or {}
    types = ["string", str(number["type"])] if number else "string"
    written = number | {"type": types, "pattern": pattern, "examples": list(examples)}
    return BeforeValidator(parse), PlainSerializer(show), WithJsonSchema(written)


ONLY_ZERO: dict[str, object] = {"type": "integer", "minimum": 0, "maximum": 0}
Bytes = Annotated[
    int,
    *quantity(
        units.parse_bytes,
        units.format_bytes,
        BYTES_PATTERN,
        "64MiB",
        "1Gi",
        "512KiB",
        plain={"type": "integer", "minimum": 0},
    ),
]
Seconds = Annotated[
    float,
    *quantity(
        _with_unit(units.parse_duration, "s"),
        units.format_duration,
        DURATION_PATTERN,
        "5s",
        "1m30s",
        "100ms",
        plain=ONLY_ZERO,
    ),
]
Share = Annotated[
    float,
    *quantity(
        units.parse_percent,
        units.format_percent,
        SHARE_PATTERN,
        "80%",
        "2.5%",
        plain={"type": "number", "minimum": 0, "maximum": 1},
    ),
]
BytesPerSecond = Annotated[
    float,
    *quantity(
        _with_unit(units.parse_byte_rate, "B/s"),
        units.format_byte_rate,
        BYTE_RATE_PATTERN,
        "8MiB/s",
        "40MiB/s",
        plain=ONLY_ZERO,
    ),
]
PerSecond = Annotated[
    float,
    *quantity(
        _with_unit(units.parse_frequency, "/s"),
        units.format_frequency,
        FREQUENCY_PATTERN,
        "10/s",
        "100/m",
        "50Hz",
    ),
]


def _or_word(read: Callable[[Any], object], word: str) -> Callable[[object], object]:
    def either(value: object) -> object:
        return word if value == word else read(value)

    return either


def _gogc(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_GOGC:
        return value
    raise ValueError(f"{value!r} is no GOGC; write a percentage 1 to {MAX_GOGC}, or off")


def _gomemlimit(value: object) -> int:
    try:
        return units.parse_bytes(value)
    except ValueError as error:
        raise ValueError(f"{error}; or off") from error


def _show_gomemlimit(value: int | str) -> str:
    return value if isinstance(value, str) else units.format_bytes(value)


MAX_GOGC = 100_000
Gogc = Annotated[
    int | Literal["off"],
    BeforeValidator(_or_word(_gogc, "off")),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_GOGC}, {"const": "off"}]}
    ),
]
GoMemLimit = Annotated[
    int | Literal["off"],
    BeforeValidator(_or_word(_gomemlimit, "off")),
    PlainSerializer(_show_gomemlimit),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^off$|{BYTES_PATTERN}",
            "examples": ["512MiB", "off"],
        }
    ),
]


def _port(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_PORT:
        return value
    raise ValueError(f"{value!r} is no port; write a number 1 to {MAX_PORT}, or auto")


MAX_PORT = 65535
AutoPort = Annotated[
    int | Literal["auto"],
    BeforeValidator(_or_word(_port, "auto")),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_PORT}, {"const": "auto"}]}
    ),
]
Port = Annotated[int, Field(strict=True, ge=1, le=MAX_PORT)]


def _http_path(value: str) -> str:
    if value.startswith("/") and not re.search(r"\s", value):
        return value
    raise ValueError(f"{value!r} is no path of a URL; write for example /{value.strip('/ ')}")


HttpPath = Annotated[
    str,
    AfterValidator(_http_path),
    WithJsonSchema({"type": "string", "pattern": r"^/\S*$", "examples": ["/healthz"]}),
]


def one_or_more(value: object) -> object:
    """Let a single text or mapping stand for a list of one."""
    return (value,) if isinstance(value, str) else value


class Phase(StrEnum):
    """The phases of a trial, in their order."""

    WARMUP = "warmup"
    BASELINE = "baseline"
    INJECT = "inject"
    HOLD = "hold"
    RELEASE = "release"
    RECOVER = "recover"


_PHASES = "|".join(Phase)
_MOMENT = re.compile(rf"(?P<phase>{_PHASES})(?:\.(?P<edge>start|end)|\+(?P<after>\S+))")
MOMENT_PATTERN = rf"^({_PHASES})(\.(start|end)|\+[0-9.]+[a-zµ0-9.]*)$"


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


def _moment(value: object) -> Moment:
    return value if isinstance(value, Moment) else Moment.parse(str(value))


MomentField = Annotated[
    Moment,
    BeforeValidator(_moment),
    PlainSerializer(str),
    WithJsonSchema(
        {"type": "string", "pattern": MOMENT_PATTERN, "examples": ["baseline.end", "hold+2s"]}
    ),
]
