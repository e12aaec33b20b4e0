from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from chaosmem.evidence.model import Cycles, Evidence
from chaosmem.report import html
from chaosmem.report.document import embedded
from chaosmem.verify.model import Outcome, Verdict
from tests.report import sample


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.code: dict[str, list[str]] = {"script": [], "style": [], "json": []}
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self.elements.append((tag, own))
        if tag in {"script", "style"}:
            self._inside = "json" if own.get("type") == "application/json" else tag
            self.code[self._inside].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.code[self._inside][-1] += data

    def attributes(self, name: str) -> list[str]:
        return [a[name] or "" for _, a in self.elements if name in a]


def made(kind: sample.Kind = "leak", **more: Any) -> str:
    evidence = sample.evidence(kind, **more)
    return html(sample.verdict(evidence), evidence)


def test_the_page_refers_to_nothing_outside_itself() -> None:
    page = Page(made(trials=2, hostile=True))
    assert page.attributes("src") == []
    assert [h for h in page.attributes("href") if not h.startswith("#")] == []
    assert {tag for tag, _ in page.elements} & {"img", "link", "iframe", "object", "base"} == set()
    assert re.search(r"url\(|@import", "".join(page.code["style"])) is None


def test_the_policy_allows_exactly_the_scripts_and_styles_of_the_page() -> None:
    page = Page(made())
    policy = next(a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    for kind in ("script", "style"):
        listed = re.search(rf"{kind}-src ([^;]*)", policy)
        hashes = [
            f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
            for code in page.code[kind]
        ]
        assert listed is not None
        assert listed[1].split() == hashes


def test_nothing_on_the_page_needs_inline_handlers_or_inline_style() -> None:
    page = Page(made(trials=2, arms=("default", "madvise")))
    names = {name for _, attributes in page.elements for name in attributes}
    assert {n for n in names if n.startswith("on") or n == "style"} == set()


def test_hostile_strings_add_no_element_and_no_script() -> None:
    tame, hostile = Page(made()), Page(made(hostile=True))
    assert {tag for tag, _ in hostile.elements} == {tag for tag, _ in tame.elements}
    assert hostile.code["script"] == tame.code["script"]
    assert len(hostile.code["json"]) == len(tame.code["json"])
    assert "onerror" not in {name for _, attributes in hostile.elements for name in attributes}


def test_unsafe_characters_are_shown_as_replacement_characters() -> None:
    text = made(hostile=True)
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text) is None
    assert "\ufffd[31m\ufffd" in text


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>", "\u2028", "&lt;"])
def test_embedded_json_cannot_end_its_element_and_reads_back(text: str) -> None:
    written = str(embedded({text: text}))
    assert re.search("[<>&\u2028]", written) is None
    assert json.loads(written) == {text: text}


def test_numbers_that_json_cannot_say_are_refused_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded(float("nan"))


def test_ids_are_unique_and_every_reference_has_its_target() -> None:
    page = Page(made(trials=3, arms=("default", "madvise")))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    wanted = page.attributes("aria-labelledby") + page.attributes("aria-controls")
    wanted += [h[1:] for h in page.attributes("href")]
    assert {name for value in wanted for name in value.split()} <= set(ids)


def test_the_worst_trial_is_open_at_first() -> None:
    page = Page(made(trials=3, arms=("default", "madvise")))
    shown = [a["id"] for _, a in page.elements if a.get("class") == "trial shown"]
    selected = [a["id"] for _, a in page.elements if a.get("aria-selected") == "true"]
    assert shown == ["t2"]
    assert selected == ["tab-t2"]


def test_a_finding_points_into_the_time_lines_of_its_trial() -> None:
    page = Page(made(trials=3))
    jumps = [a for _, a in page.elements if a.get("class") == "jump"]
    assert jumps[0]["href"] == "#t2-lines"
    assert jumps[0]["data-on"] == "goroutines"
    assert (jumps[0]["data-start"], jumps[0]["data-end"]) == ("25.0", "30.0")


def test_without_scripts_goroutines_and_heap_are_drawn_as_pictures() -> None:
    text = made()
    fallback = text[text.index("<noscript>") : text.index("</noscript>")]
    assert fallback.count('<svg class="spark"') == 2
    assert 'aria-label="Goroutines, 0 to 5' in fallback


def test_the_same_run_gives_the_same_page() -> None:
    assert made(trials=2) == made(trials=2)


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ({"stretch": 15.0}, 1_000_000),
        ({"stretch": 15.0, "trials": 3, "arms": ("default", "madvise")}, 3_000_000),
    ],
    ids=["10 minutes", "six trials of 10 minutes"],
)
def test_a_long_run_stays_small(kind: dict[str, Any], most: int) -> None:
    evidence = sample.evidence("leak", **kind)
    verdict = sample.verdict(evidence)
    assert len(html(verdict, evidence).encode()) < most


def test_a_run_that_never_came_to_a_trial_has_a_page_too() -> None:
    evidence = replace(sample.evidence(), trials=())
    verdict = Verdict("r", "cart", Outcome.INCONCLUSIVE, "the target never became ready", ())
    text = html(verdict, evidence)
    assert "No check gave a finding, so nothing is known." in text
    assert "the target never became ready" in text
    assert Page(text).code["json"] == []


def test_a_trial_without_samples_or_captures_says_so() -> None:
    evidence = sample.evidence()
    bare = replace(
        evidence.trials[0], series={}, cycles=Cycles({}, ""), captures=(), faults=(), complete=False
    )
    text = html(sample.verdict(evidence), replace(evidence, trials=(bare,)))
    assert "No samples were taken in this trial." in text
    assert "This trial did not run to its end." in text


def test_a_broken_capture_is_named_instead_of_its_table() -> None:
    evidence = sample.evidence()
    broken = replace(evidence.trials[0], read=lambda _: b"\x1f\x8bgarbage")
    text = html(sample.verdict(evidence), replace(evidence, trials=(broken,)))
    assert "heap at hold.end:" in text
    assert "Where the heap grew" not in text


def _changed(evidence: Evidence) -> str:
    return html(sample.verdict(evidence), evidence)


def test_what_is_still_changed_on_a_target_stands_above_everything() -> None:
    text = _changed(sample.evidence("aborted"))
    alarm = text.index("<strong>Not undone:</strong> release 500 goroutines of demo")
    assert text.index('id="verdict"') < alarm < text.index('id="checks"')
