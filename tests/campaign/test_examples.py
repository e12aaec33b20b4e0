"""Claims about what comes with chaosmem: its campaigns are valid, and the schema accepts them."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from chaosmem.campaign import model, radius
from chaosmem.spec import nodes
from chaosmem.spec.campaign_reader import FIELDS, load_campaign
from chaosmem.spec.campaign_schema import campaign_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "experiments" / "campaigns").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(campaign_schema())
REFUSED = yaml.safe_load((Path(__file__).parent / "refused.yaml").read_text("utf-8"))
BEYOND_A_SCHEMA = {
    "no-file",
    "no-value",
    "arms-path",
    "axis",
    "unknown-arm",
    "idle-exclude",
    "all-excluded",
    "too-many",
    "twice",
}


def complaints(text: str) -> list[str]:
    value = nodes.read(text, file="f").value
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(value)]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid_and_can_be_planned(path: Path) -> None:
    loaded = load_campaign(path)
    assert loaded.warnings == ()
    assert len(model.cells(loaded)) > 1
    assert radius.notes(loaded) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_editors_accept_every_example(path: Path) -> None:
    assert complaints(path.read_text("utf-8")) == []


def test_the_schema_is_valid_and_describes_every_field() -> None:
    schema = campaign_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    every = {"": schema, **schema["$defs"]}.items()
    missing = [
        f"{name}.{field}"
        for name, definition in every
        for field, prop in definition.get("properties", {}).items()
        if not prop["description"]
    ]
    assert missing == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_underlined_where_a_schema_can(name: str) -> None:
    head = "apiVersion: chaosmem/v1\nkind: Campaign\nmetadata: {name: m}\n"
    assert bool(complaints(head + REFUSED[name]["campaign"])) is (name not in BEYOND_A_SCHEMA)


def test_the_document_names_every_section_and_its_example_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "campaigns.md").read_text("utf-8")
    for section in FIELDS:
        assert f"`{section}" in text, section
    example = re.search(r"```yaml\n(apiVersion.*?)```", text, re.DOTALL)
    assert example is not None
    path = tmp_path / "experiments" / "campaigns" / "c.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(example[1])
    (tmp_path / "experiments" / "quickstart.yaml").write_bytes(
        (ROOT / "experiments" / "quickstart.yaml").read_bytes()
    )
    assert len(load_campaign(path).cells) == 5
