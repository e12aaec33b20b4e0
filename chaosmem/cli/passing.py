"""How a command is declared that passes its arguments on to commands imported when it is run."""

from __future__ import annotations

from typing import Any, Final

PASS_ON: Final[dict[str, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
