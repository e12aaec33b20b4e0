"""The program: runs the commands, and turns every error into words and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from chaosmem.errors import ChaosmemError, Exit, SpecError


def main() -> None:
    """Run the command line; exits with the codes of `chaosmem.errors.Exit`."""
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _stopped)
    try:
        _run()
    except ChaosmemError as error:
        # an editor finds file:line:column at the start of a line only
        _say(str(error) if isinstance(error, SpecError) else f"chaosmem: {error}", error.hint)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # the reader of our output (head, less) has gone; nobody is left to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.PASS)
    except Exception as error:
        if os.environ.get("CHAOSMEM_DEBUG"):
            raise
        _say(
            f"chaosmem: internal error: {type(error).__name__}: {error}",
            "this is a bug; CHAOSMEM_DEBUG=1 shows where",
        )
        sys.exit(Exit.INTERNAL)


def _run() -> None:
    """The command line; imported only now, after the exit codes are in place."""
    from chaosmem.cli.profile_top import quick  # noqa: PLC0415

    if quick(sys.argv[1:]):
        return
    from chaosmem.cli.app import app  # noqa: PLC0415

    app()


def _stopped(number: int, _: FrameType | None) -> None:
    """End with the code of an operator's stop. A run that acts has handlers of its own."""
    _say(f"chaosmem: stopped by {signal.Signals(number).name}", "")
    sys.exit(Exit.ABORTED)


def _say(message: str, hint: str) -> None:
    print(message, file=sys.stderr)  # noqa: T201 - this is where errors are told
    if hint:
        print(f"  hint: {hint}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
