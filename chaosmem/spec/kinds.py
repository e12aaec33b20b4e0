"""Which faults and checks there are: chaosmem's own, and those of plugins, asked for when needed.

`Fault` and `Check` are the unions that the code knows; `AnyFault` and `AnyCheck` are what models
hold: these also take the models of plugins. Plugins are loaded when a document is read, never when
a module is imported, since they import this package themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, SerializeAsAny

from chaosmem import plugins
from chaosmem.spec.checks import Check, CheckBase
from chaosmem.spec.faults import Fault, FaultBase

Models = Mapping[str, type[BaseModel]]


def by_kind(union: object) -> dict[str, type[BaseModel]]:
    """Models of a discriminated union by their `kind`."""
    members: tuple[type[BaseModel], ...] = get_args(get_args(union)[0])
    return {str(member.model_fields["kind"].default): member for member in members}


def faults() -> Models:
    """Every kind of fault; chaosmem's own first, and no plugin's in their place."""
    return _with(plugins.faults(), by_kind(Fault))


def checks() -> Models:
    """Every kind of check."""
    return _with(plugins.checks(), by_kind(Check))


def _with(found: Mapping[str, Any], own: dict[str, type[BaseModel]]) -> Models:
    return own | {kind: plugin.model for kind, plugin in found.items() if kind not in own}


def _typed(base: type[BaseModel], known: Callable[[], Models], what: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, base) or not isinstance(value, Mapping):
            return value
        kind = str(value.get("kind", ""))
        model = known().get(kind)
        if model is None:
            raise ValueError(f"there is no {what} of kind {kind!r}; is its plugin not installed?")
        return model.model_validate(value, by_name=True, by_alias=True)

    return read


if TYPE_CHECKING:
    AnyFault = Fault
    AnyCheck = Check
else:
    AnyFault = Annotated[
        SerializeAsAny[FaultBase], BeforeValidator(_typed(FaultBase, faults, "fault"))
    ]
    AnyCheck = Annotated[
        SerializeAsAny[CheckBase], BeforeValidator(_typed(CheckBase, checks, "check"))
    ]
