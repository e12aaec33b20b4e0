"""A verdict as JSON bytes and back, canonical: keys sorted, floats as `repr`, no NaN, newline."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chaosmem.errors import FormatError
from chaosmem.verify.model import VERDICT_FORMAT, Verdict

_READER: TypeAdapter[Verdict] = TypeAdapter(Verdict)


def to_json(verdict: Verdict) -> bytes:
    """The canonical bytes of `verdict.json`, UTF-8; equal verdicts give equal bytes."""
    # Through the reader first: an int where a float belongs would read back as another text.
    exact = asdict(_READER.validate_python(asdict(verdict)))
    text = json.dumps(exact, allow_nan=False, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n".encode()


def from_json(data: bytes) -> Verdict:
    """Read what `to_json` wrote; FormatError for anything else."""
    try:
        raw: Any = json.loads(data)
    except ValueError as error:
        raise FormatError(f"the verdict is not JSON: {error}") from error
    found = raw.get("format") if isinstance(raw, dict) else None
    if found != VERDICT_FORMAT:
        raise FormatError(
            f"the verdict has format {found!r}, and this chaosmem reads format {VERDICT_FORMAT}",
            hint="recompute it with `chaosmem verify RUN`",
        )
    try:
        return _READER.validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(f"the verdict is damaged at {place}: {first['msg']}") from error
