"""The dashboard against Grafana's published schema, and the import that its API would be sent.

Grafana itself cannot be had from a package registry under a licence that fits; its Foundation SDK
is generated from the same schema, for the version that is pinned in the dev dependencies.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():  # "Prefer using dashboardv2": Grafana imports both
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

BOARD: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "manifests" / "grafana" / "chaosmem.json").read_text("utf-8")
)


def _through_grafana(board: dict[str, Any]) -> Any:
    """`board` as Grafana's types read it, and written again."""
    register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))


def _lost(given: Any, back: Any, at: str = "") -> Iterator[str]:
    """Places whose value the schema does not know, or reads as another."""
    if isinstance(given, dict) and isinstance(back, dict):
        for key, value in given.items():
            if key in back:
                yield from _lost(value, back[key], f"{at}.{key}")
            else:
                yield f"{at}.{key}"
    elif isinstance(given, list) and isinstance(back, list) and len(given) == len(back):
        for i, (value, other) in enumerate(zip(given, back, strict=True)):
            yield from _lost(value, other, f"{at}[{i}]")
    elif given != back:
        yield at


def test_grafanas_schema_knows_every_field_of_the_dashboard() -> None:
    assert list(_lost(BOARD, _through_grafana(BOARD))) == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("panels", 0, "options", "legnd"), ".panels[0].options.legnd"),
        (
            ("panels", 0, "fieldConfig", "defaults", "unitt"),
            ".panels[0].fieldConfig.defaults.unitt",
        ),
        (("templating", "list", 1, "multy"), ".templating.list[1].multy"),
    ],
)
def test_a_slip_would_be_found(path: tuple[str | int, ...], found: str) -> None:
    board = json.loads(json.dumps(BOARD))
    place = board
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = True
    assert list(_lost(board, _through_grafana(board))) == [found]


DEMANDED: dict[str, dict[str, set[str]]] = {
    "timeseries": {
        "legend": {"displayMode", "placement", "showLegend", "calcs"},
        "tooltip": {"mode", "sort"},
    },
    "table": {"showHeader": set(), "frameIndex": set()},
}
"""What Grafana's Go types call required (`UnmarshalJSONStrict`), by panel and option."""


@pytest.mark.parametrize("panel", BOARD["panels"], ids=lambda panel: panel["title"])
def test_every_panel_has_what_the_schema_demands(panel: dict[str, Any]) -> None:
    for name, fields in DEMANDED[panel["type"]].items():
        assert fields <= set(panel["options"][name] if fields else ())
        assert name in panel["options"]


def test_a_variable_has_no_choice_yet() -> None:
    assert [v["name"] for v in BOARD["templating"]["list"] if "current" in v] == []


def test_ids_are_unique_and_targets_have_a_reference() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in BOARD["panels"]:
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_it_imports_as_a_new_dashboard() -> None:
    """POST /api/dashboards/db takes no `id` of another Grafana, and needs a title and a uid."""
    assert BOARD.get("id") is None
    assert BOARD["title"]
    assert len(BOARD["uid"]) <= 40
