"""Undo of a plugin's fault by whoever comes after: its own `finish`, from what was promised."""

from __future__ import annotations

import asyncio

from chaosmem import plugins
from chaosmem.errors import ChaosmemError, UndoIncomplete
from chaosmem.rundir.events import FinishByPlugin

_WITHIN = 30.0
"""Seconds that a plugin has for its undo, of which the agent's leases need a tenth."""


async def fulfil(undo: FinishByPlugin) -> None:
    """Have the plugin undo its fault; UndoIncomplete says what is in the way."""
    plugin = plugins.faults().get(undo.kind)
    if plugin is None:
        raise UndoIncomplete(
            f"the fault {undo.kind} is a plugin's, and the plugin is not installed here",
            hint=f"install it, and run this again; it promised: {undo.facts}",
        )
    work = asyncio.to_thread(plugins.call(plugin.finish), dict(undo.facts))
    try:
        await asyncio.wait_for(work, _WITHIN)
    except ChaosmemError:
        raise
    except TimeoutError as late:
        raise UndoIncomplete(f"the plugin of {undo.kind} did not end in {_WITHIN:g} s") from late
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise UndoIncomplete(f"the plugin of {undo.kind} failed: {said}") from error
