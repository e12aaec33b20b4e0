from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chaosmem.report import markdown
from chaosmem.report.markdown import escape
from chaosmem.report.words import plain
from tests.report import sample

RENDER = MarkdownIt("commonmark").enable("table")


def rendered(kind: sample.Kind, **more: bool) -> str:
    evidence = sample.evidence(kind, **more)  # type: ignore[arg-type]
    return str(RENDER.render(markdown(sample.verdict(evidence), evidence)))


def test_the_summary_is_one_table_with_a_row_for_each_check() -> None:
    page = rendered("leak")
    assert page.startswith("<h2>❌ FAIL: cart-heap-surge</h2>")
    first = page[page.index("<table>") : page.index("</table>")]
    assert first.count("<tr>") == 5
    assert "228 goroutines 15.0 s after release" in first


def test_details_are_folded() -> None:
    assert rendered("leak").count("<details><summary>") == 5  # four checks, trials


def test_what_is_not_undone_is_told() -> None:
    assert "<strong>Not undone</strong> release 500 goroutines of demo" in rendered("aborted")


def test_a_hostile_target_name_stays_text() -> None:
    page = rendered("leak", hostile=True)
    assert set(re.findall(r"<([a-z0-9]+)", page)) <= {
        "h2", "p", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td",
        "br", "details", "summary", "code",
    }  # fmt: skip
    assert "demo&lt;/script&gt;&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    "text",
    ["a|b", "<b>", "*x*", "_x_", "[a](b)", "`c`", "# h", "1. x", "- x", "&lt;", "a\\", "~~x~~"],
)
def test_markup_in_text_is_literal(text: str) -> None:
    inline = RENDER.renderInline(escape(text))
    assert inline.replace("\u2060", "") == (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )


@settings(deadline=None)
@given(st.text(alphabet="|\\`*_<>&[]()!#\n@ab:/ ", max_size=30))
def test_any_text_fits_one_table_cell(text: str) -> None:
    page = str(RENDER.render(f"| h |\n|---|\n| {escape(text)} |\n"))
    cell = re.search(r"<td>(.*)</td>", page)
    assert page.count("<td>") == 1
    assert cell is not None
    literal = cell[1].replace("\u2060", "")
    for entity, mark in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        literal = literal.replace(entity, mark)
    assert literal == plain(text)


def test_nobody_is_mentioned_by_a_log_line() -> None:
    assert "@octocat" not in escape("ask @octocat about #12")


def test_long_evidence_is_cut_and_says_so() -> None:
    evidence = sample.evidence()
    verdict = sample.verdict(evidence)
    many = replace(verdict.findings[0], evidence=verdict.findings[0].evidence * 4)
    page = markdown(replace(verdict, findings=(many,)), evidence)
    assert page.count("**Evidence**") == 6
    assert "and 3 more in the HTML report" in page


def test_arms_are_a_table_that_is_not_folded() -> None:
    evidence = sample.evidence("healthy", trials=6, arms=("default", "madvise"))
    page = str(RENDER.render(markdown(sample.verdict(evidence), evidence)))
    before = page[: page.index("<details>")]
    assert "<strong>Arms compared</strong> with default" in before
    row = re.search(
        r"<td>goroutine-recovery</td>\n<td>madvise</td>\n<td>(.*)</td>\n<td>(.*)</td>", before
    )
    assert row is not None
    assert re.fullmatch(r"\+400 ms \(.* to .*, 95\.9 %\), p=0\.\d+", row[1])
    assert row[2] in {"a difference is shown", "none is shown"}


def test_several_targets_are_a_table_with_their_outcomes() -> None:
    evidence = sample.evidence("leak", pods=("shop/shop-a", "shop/shop-b"))
    page = str(RENDER.render(markdown(sample.verdict(evidence), evidence)))
    assert "<strong>Target</strong>" not in page
    assert "<td>✗ FAIL</td>\n<td>shop/shop-a</td>\n<td>goroutine-recovery</td>" in page
    assert "<td>✓ PASS</td>\n<td>shop/shop-b</td>\n<td>every check holds</td>" in page
