"""JSON Schema (draft 2020-12) of a campaign, for editors; made as an experiment's is."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from chaosmem.spec.campaign import Campaign
from chaosmem.spec.schema import DIALECT, Schema, _as_written, _describe

_REQUIRED = ["apiVersion", "kind", "metadata", "experiments"]
_ONE_OR_MORE = ("experiments", "stopOn")


def campaign_schema() -> Schema:
    """The JSON Schema of a campaign, as `chaosmem schema --kind campaign` prints it."""
    schema = Campaign.model_json_schema(by_alias=True, mode="validation")
    definitions: Schema = schema.pop("$defs")
    for model in dict.fromkeys(_models(Campaign)):
        _describe(schema if model is Campaign else definitions.get(model.__name__, {}), model)
    for definition in [schema, *definitions.values()]:
        for name, prop in definition.get("properties", {}).items():
            _as_written(name, prop)
    for name in _ONE_OR_MORE:
        _or_one(schema["properties"][name])
    schema["required"] = _REQUIRED
    rest = {k: v for k, v in schema.items() if k != "title"}
    return {"$schema": DIALECT, "title": "chaosmem campaign", **rest, "$defs": definitions}


def _or_one(prop: Schema) -> None:
    """A single text stands for a list of one."""
    if prop.get("type") == "array":
        array = {k: prop.pop(k) for k in ("type", "items")}
        prop["anyOf"] = [array, array["items"]]


def _models(item: object) -> Iterator[type[BaseModel]]:
    """Every model that a campaign is made of, itself first."""
    if isinstance(item, type) and issubclass(item, BaseModel):
        yield item
        for info in item.model_fields.values():
            yield from _models(info.annotation)
        return
    for part in getattr(item, "__args__", ()):
        yield from _models(part)
