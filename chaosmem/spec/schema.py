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
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from chaosmem.spec import presets
from chaosmem.spec.base import Phase
from chaosmem.spec.kinds import Models
from chaosmem.spec.model import Experiment
from chaosmem.spec.nodes import VERBATIM
from chaosmem.spec.sections import KINDS, ONE

Schema = dict[str, Any]

DIALECT: Final = GenerateJsonSchema.schema_dialect
_TEXT: Final = {"type": ["string", "number", "boolean"]}
_NULLABLE: Final = frozenset({"pprof", "agent", "metrics"})
_REQUIRED: Final = ["apiVersion", "kind", "metadata", "target", "faults"]


def json_schema() -> Schema:
    """Return the JSON Schema of a spec, as `chaosmem schema` prints it."""
    kinds = {model for section in KINDS.values() for model in section.values()}
    wanted = [(model, "validation") for model in (Experiment, *kinds)]
    definitions: Schema = models_json_schema(wanted, by_alias=True)[1]["$defs"]  # type: ignore[arg-type]
    schema: Schema = definitions.pop("Experiment")
    for unwritten in ("FaultBase", "CheckBase", "Moment"):  # a moment is written as text
        del definitions[unwritten]
    for model in _models(kinds):
        _describe(schema if model is Experiment else definitions.get(model.__name__, {}), model)
    for section, known in KINDS.items():
        schema["properties"][section] |= _entries(section, known, definitions)
    _finish(schema, definitions)
    return {
        "$schema": DIALECT,
        "title": "chaosmem experiment",
        **{k: v for k, v in schema.items() if k != "title"},
        "$defs": definitions,
    }


def _entries(section: str, kinds: Models, definitions: Schema) -> Schema:
    """Schema of a list of single-key entries; a bare name stands for all defaults."""
    bodies = {kind: definitions[model.__name__] for kind, model in kinds.items()}
    for body in bodies.values():
        del body["properties"]["kind"]
        body.pop("title", None)
    bare = [k for k, body in bodies.items() if section != "faults" and not body.get("required")]
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
    # if/else rather than anyOf: validators then say what is wrong inside the one that was meant.
    items = {"if": {"type": "string"}, "then": {"enum": bare}, "else": one} if bare else one
    return {"type": "array", "items": items}


def _finish(schema: Schema, definitions: Schema) -> None:
    properties = schema["properties"]
    about = properties["preset"]["description"]
    properties["preset"] = {"enum": [*presets.NAMES], "description": about}
    properties["phases"]["description"] += f" In their order: {', '.join(Phase)}."
    schema["required"] = _REQUIRED
    for definition in [schema, *definitions.values()]:
        for name, prop in definition.get("properties", {}).items():
            _as_written(name, prop)
    definitions.pop("Phase", None)


def _as_written(name: str, prop: Schema) -> None:
    """Accept what the reader accepts, and no needless null."""
    prop.pop("title", None)
    given = [part for part in prop.get("anyOf", []) if part != {"type": "null"}]
    if len(given) == 1 and name not in _NULLABLE:
        del prop["anyOf"]
        prop |= given[0] | {"description": prop["description"]}
    if name in VERBATIM and prop.get("type") in ("array", "object"):
        prop["items" if "items" in prop else "additionalProperties"] = dict(_TEXT)
    if prop.get("type") == "array" and "pattern" in prop.get("items", {}):
        array = {k: prop.pop(k) for k in ("type", "items")}
        prop["anyOf"] = [array, array["items"]]


def _models(kinds: set[type[BaseModel]]) -> tuple[type[BaseModel], ...]:
    """Every model of the language, the experiment itself among them."""
    found: dict[type[BaseModel], None] = {}
    todo: list[object] = [*kinds, Experiment]
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
    if "properties" not in schema:
        return
    schema["description"] = inspect.cleandoc(model.__doc__ or "")
    described: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            described |= _docstrings(owner)
    schema.pop("title", None)
    defaults = model.model_construct().model_dump(mode="json", by_alias=True)
    for name, info in model.model_fields.items():
        key = info.alias or name
        prop = schema["properties"].get(key)
        if prop is not None:
            prop["description"] = described.get(name, "")
            _show_default(prop, defaults.get(key))


def _show_default(prop: Schema, default: object) -> None:
    """Write the default as people write it; parts with fields of their own show theirs."""
    prop.pop("default", None)
    if default is not None and not isinstance(default, dict):
        prop["default"] = default


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
