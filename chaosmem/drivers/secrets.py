"""Secrets from where they are: a variable of the environment, or a file; never repeated."""

from __future__ import annotations

import os
from pathlib import Path

from chaosmem.errors import TargetError

MOST_BYTES = 1024 * 1024
"""Largest file that is taken for a secret; the system's authorities have some 220 KiB."""


def secret(variable: str | None, file: str | None) -> str | None:
    """The secret in that variable or file; TargetError where it is named and not there."""
    if variable is not None:
        value = os.environ.get(variable, "").strip()
        if not value:
            raise TargetError(f"the variable {variable} is not set", hint=f"export {variable}=...")
    elif file is not None:
        value = readable(file)
    else:
        return None
    if not value.isprintable():  # libraries repeat a header that they refuse, line break and all
        raise TargetError(
            f"what is in {variable or file} is no secret: it has a line break or a control sign",
            hint="it must hold the secret alone",
        )
    return value


def readable(file: str) -> str:
    """The text of a file of secrets, however many lines (a key has some); TargetError as above."""
    try:
        with Path(file).open("rb") as source:
            data = source.read(MOST_BYTES + 1)
        text = data.decode().strip()
    except OSError as problem:
        raise _unusable(file, problem.strerror or "it cannot be read") from problem
    except UnicodeError as problem:
        raise _unusable(file, "it is no UTF-8 text") from problem
    if not text or len(data) > MOST_BYTES:
        raise _unusable(file, f"it is larger than {MOST_BYTES} bytes" if text else "it is empty")
    return text


def _unusable(file: str, why: str) -> TargetError:
    return TargetError(
        f"cannot read the secret in {file}: {why}",
        hint="give the path of a readable file that holds only the secret",
    )
