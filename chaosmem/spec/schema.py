"""JSON Schema (draft 2020-12) of what people write, so that editors complete and check it.

pydantic knows the models; here its schema is turned into the written shape: single-key entries
instead of `kind`, and descriptions taken from the attribute docstrings of the models' source.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from chaosmem.spec import presets
from chaosmem.spec.model import Experiment
from chaosmem.spec.sections import KINDS, ONE

Schema = dict[str, Any]

DIALECT: Final = GenerateJsonSchema.schema_dialect
_TEXT_MAPS: Final = {"type": ["string", "number", "boolean"]}
_REQUIRED: Final = ["apiVersion", "kind", "metadata", "target", "faults"]


def json_schema() -> Schema:
    """Return the JSON Schema of a spec, as `chaosmem schema` prints it."""
    schema = Experiment.model_json_schema(by_alias=True, mode="validation")
    definitions: Schema = schema.pop("$defs")
    for model in _models():
        _describe(definitions.get(model.__name__, schema), model)
    for section, kinds in KINDS.items():
        schema["properties"][section] |= _entries(section, kinds, definitions)
    _finish(schema, definitions)
    return {
        "$schema": DIALECT,
        "title": "chaosmem experiment",
        **{k: v for k, v in schema.items() if k != "title"},
        "$defs": definitions,
    }


def _entries(section: str, kinds: dict[str, type[BaseModel]], definitions: Schema) -> Schema:
    """Schema of a list of single-key entries; a bare name stands for all defaults."""
    bodies = {kind: definitions[model.__name__] for kind, model in kinds.items()}
    for body in bodies.values():
        del body["properties"]["kind"]
        _drop(body, "title")
    bare = [kind for kind, body in bodies.items() if not body.get("required")]
    one = {
        "type": "object",
        "properties": {
            kind: {"$ref": f"#/$defs/{model.__name__}", "description": _summary(model)}
            for kind, model in kinds.items()
        },
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "description": f"One {ONE[section]}: its kind as the only key.",
    }
    for kind in bare:
        bodies[kind]["type"] = ["object", "null"]
    items = {"anyOf": [one, {"enum": bare}]} if bare else one
    return {"type": "array", "items": items}


def _finish(schema: Schema, definitions: Schema) -> None:
    properties = schema["properties"]
    properties["preset"] = {
        "enum": [*presets.NAMES],
        "description": properties["preset"]["description"],
    }
    schema["required"] = _REQUIRED
    phases = definitions["Phases"]["properties"]
    _drop(schema, "discriminator")
    for definition in [schema, *definitions.values()]:
        for prop in definition.get("properties", {}).values():
            _loosen(prop)
    properties["phases"]["description"] += f" In their order: {', '.join(phases)}."
    definitions.pop("Phase", None)
    definitions.pop("Moment", None)


def _loosen(prop: Schema) -> None:
    """Accept what the reader accepts: numbers where text is kept, one text for a list of one."""
    _drop(prop, "title")
    if prop.get("additionalProperties") == {"type": "string"}:
        prop["additionalProperties"] = dict(_TEXT_MAPS)
    if prop.get("type") == "array" and "pattern" in prop.get("items", {}):
        array = {k: prop.pop(k) for k in ("type", "items")}
        prop["anyOf"] = [array, array["items"]]


def _drop(schema: Schema, key: str) -> None:
    schema.pop(key, None)


@functools.cache
def _models() -> tuple[type[BaseModel], ...]:
    """Every model of the language, the experiment itself first."""
    found: dict[type[BaseModel], None] = {}
    todo: list[object] = [Experiment]
    while todo:
        item = todo.pop()
        if isinstance(item, type) and issubclass(item, BaseModel):
            if item not in found:
                found[item] = None
                todo += [info.annotation for info in item.model_fields.values()]
        else:
            todo += getattr(item, "__args__", ())
    return tuple(found)


def _summary(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def _describe(schema: Schema, model: type[BaseModel]) -> None:
    schema["description"] = inspect.cleandoc(model.__doc__ or "")
    described = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            described |= _docstrings(owner)
    for name, info in model.model_fields.items():
        prop = schema["properties"].get(info.alias or name)
        if prop is not None and name in described:
            prop["description"] = described[name]


@functools.cache
def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Docstrings below the attributes of a model's own class body."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class is one
    found = {}
    for field, doc in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = doc.value if isinstance(doc, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                found[field.target.id] = " ".join(text.value.split())
    return found
