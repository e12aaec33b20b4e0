"""The page as readers meet it: in a real Chromium, headless, without a network."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from chaosmem.evidence.acts import ActRecord
from chaosmem.profile import Options, read
from chaosmem.profile.stack_tree import plant
from chaosmem.report import html
from chaosmem.report.flames import Told, diff_flame, functions, value_flame
from chaosmem.report.profile_page import flame_page
from tests.report import sample
from tests.report.sample_profiles import MIB, pprof

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAINTED_AT = """
    new Promise(seen => new PerformanceObserver(list => {
        const found = list.getEntriesByName('first-contentful-paint');
        if (found.length) seen(found[0].startTime);
    }).observe({type: 'paint', buffered: true}))
"""
"""The entry may come a moment after the load event: it is waited for."""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 400, "height": 800}
TWO_ARMS = {"kind": "leak", "trials": 2, "arms": ("default", "madvise"), "hostile": True}


PODS = TWO_ARMS | {"pods": ("shop/shop-7d9f-aaaaa", "shop/shop-7d9f-bbbbb")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        message = "no chromium on PATH; tests/report/install-browser.sh installs it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


class Reader:
    """Opens reports, and notes whatever a page should not do."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser, self._folder = browser, folder
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, kind: dict[str, Any] | None = None, **context: Any) -> Page:
        evidence = sample.evidence(**(kind or {"kind": "leak"}))
        return self.show(html(sample.verdict(evidence), evidence), **context)

    def show(self, text: str, **context: Any) -> Page:
        file = self._folder / "page.html"
        file.write_text(text, encoding="utf-8")
        self._contexts.append(self._browser.new_context(**({"viewport": WIDE} | context)))
        page = self._contexts[-1].new_page()
        note = self.complaints.append
        page.on("console", lambda message: note(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: note(f"error: {error}"))
        page.on("dialog", self._dismiss)
        page.on("request", lambda request: note(f"request: {request.url[:200]}"))
        page.goto(file.as_uri())
        assert self.complaints == [f"request: {file.as_uri()}"]
        self.complaints.clear()
        return page

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def reader(browser: Browser, tmp_path: Path) -> Iterator[Reader]:
    opened = Reader(browser, tmp_path)
    yield opened
    opened.close()
    assert opened.complaints == []


def painted(page: Page) -> list[int]:
    """Of each canvas that is shown, how many different colours it has."""
    counts: list[int] = page.evaluate(
        """() => [...document.querySelectorAll(".trial.shown canvas")].map((canvas) => {
             const { width, height } = canvas;
             const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
             return new Set(new Uint32Array(data.buffer)).size;
           })"""
    )
    return counts


def hover(page: Page, share: float) -> None:
    """Put the mouse over the first time line, at that share of its width."""
    plot = page.locator(".trial.shown .u-over").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def legends(page: Page) -> list[str]:
    return page.locator(".trial.shown .u-series:not(:first-child) .u-value").all_inner_texts()


@pytest.mark.parametrize("kind", ["healthy", "leak", "aborted"])
def test_every_time_line_is_drawn_without_a_complaint(reader: Reader, kind: str) -> None:
    page = reader.open({"kind": kind})
    colours = painted(page)
    assert len(colours) == 6
    assert min(colours) > 20


def test_a_hostile_target_runs_no_script(reader: Reader) -> None:
    page = reader.open(TWO_ARMS)
    page.wait_for_timeout(100)
    assert page.locator("img").count() == 0
    assert page.locator("dd").first.inner_text().startswith("demo</script><script>alert(1)")


def test_the_policy_stops_what_an_injection_would_do(reader: Reader) -> None:
    page = reader.open()
    page.evaluate(
        """() => {
             const script = document.createElement("script");
             script.textContent = "window.injected = true";
             document.body.append(script, Object.assign(new Image(), { src: "x.png" }));
             const line = document.createElement("p");
             document.body.append(line);
             line.outerHTML = '<p onclick="window.injected = true">x</p>';
             document.body.lastElementChild.click();
           }"""
    )
    assert page.evaluate("window.injected") is None
    assert page.evaluate("fetch('data:,x').then(() => 'went out', () => 'stopped')") == "stopped"
    for stopped in ("inline script", "inline event handler", "Loading the image", "Connecting to"):
        assert sum(stopped in complaint for complaint in reader.complaints) == 1
    reader.complaints.clear()


def test_hovering_one_time_line_reads_all_of_them_at_that_moment(reader: Reader) -> None:
    page = reader.open()
    assert set(legends(page)) == {"\u2013"}
    hover(page, 0.5)
    clock = page.locator(".trial.shown .clock")
    expect(clock).to_have_text(re.compile(r"^20\.\d\d s · hold$"))
    held = legends(page)
    assert "\u2013" not in held
    assert 510 < int(held[0]) < 525
    assert held[1] == "500"
    hover(page, 0.95)
    expect(clock).to_have_text(re.compile("recover"))
    assert legends(page) != held


def test_a_step_is_read_where_it_still_holds(reader: Reader) -> None:
    page = reader.open()
    hover(page, 0.62)
    expect(page.locator(".trial.shown .clock")).to_have_text(re.compile(r"^24\."))
    share = page.locator('[data-chart="gc-cpu"] .u-value').nth(1)
    held = share.inner_text()
    hover(page, 0.64)
    expect(page.locator(".trial.shown .clock")).to_have_text(re.compile(r"^25\."))
    assert share.inner_text() == held  # the next GC, which changes it, is at 27 s


def test_a_time_line_can_be_read_by_keyboard(reader: Reader) -> None:
    page = reader.open()
    page.locator('[data-chart="heap"]').focus()
    page.keyboard.press("End")
    page.keyboard.press("Shift+ArrowLeft")
    assert "live 2" in page.locator("#live").inner_text()
    assert "recover" in page.locator("#live").inner_text()


def test_evidence_opens_its_trial_and_marks_its_interval(reader: Reader) -> None:
    page = reader.open({"kind": "leak", "trials": 2})
    page.locator("#tab-t0").click()
    page.locator(".check.fail summary").first.click()
    page.locator(".check.fail a.jump").first.click()
    assert page.locator(".trial.shown").get_attribute("id") == "t1"
    expect(page.locator("#t1 .marked")).to_have_text(re.compile("^goroutine-recovery: .*25.0"))
    assert page.evaluate("document.activeElement.id") == "t1-chart-goroutines"
    page.keyboard.press("Escape")
    expect(page.locator("#t1 .marked")).to_have_text("")


def test_evidence_is_reached_by_keyboard_alone(reader: Reader) -> None:
    page = reader.open({"kind": "leak", "trials": 2})
    page.locator(".check.fail summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#t1-chart-goroutines")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#live")).to_contain_text("goroutines")


def accents(page: Page, chart: str) -> int:
    """How many points of a chart have the colour of marks, opaque."""
    found: int = page.evaluate(
        """(id) => {
             const canvas = document.querySelector(`#${id} canvas`), { width, height } = canvas;
             const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
             const wanted = getComputedStyle(document.documentElement).getPropertyValue("--accent");
             const [r, g, b] = wanted.trim().match(/\\w\\w/g).map((two) => parseInt(two, 16));
             let count = 0;
             for (let i = 0; i < data.length; i += 4) {
               count += data[i] === r && data[i + 1] === g && data[i + 2] === b;
             }
             return count;
           }""",
        chart,
    )
    return found


def test_the_marked_interval_is_drawn_on_every_chart_and_most_on_its_own(reader: Reader) -> None:
    page = reader.open()
    page.locator(".check.fail summary").first.click()
    page.locator(".check.fail a.jump").first.click()
    expect(page.locator("#t0 .marked")).not_to_have_text("")
    page.wait_for_function("new Promise(requestAnimationFrame)")
    edges, own = accents(page, "t0-chart-heap"), accents(page, "t0-chart-goroutines")
    assert edges > 100
    assert own > edges + 500


def test_a_capture_opens_the_flame_graph_of_its_moment(reader: Reader) -> None:
    page = reader.open()
    page.locator(".check", has_text="top-allocations").locator("summary").first.click()
    page.locator('.check a.jump[data-name="top-allocations"]').click()
    expect(page.get_by_label("Which flame graph").locator("option:checked")).to_have_text(
        "In use at hold.end"
    )
    expect(page.locator("#t0-flames")).to_be_focused()


def test_a_link_from_elsewhere_opens_the_trial_that_it_is_in(reader: Reader) -> None:
    page = reader.open({"kind": "leak", "trials": 2})
    page.goto(page.url + "#t0-events")
    expect(page.locator(".trial.shown")).to_have_id("t0")
    expect(page.locator("#t0-events")).to_have_attribute("open", "")


def test_trials_are_changed_by_arrow_keys(reader: Reader) -> None:
    page = reader.open(TWO_ARMS)
    page.locator('[role="tab"][aria-selected="true"]').focus()
    page.keyboard.press("Home")
    assert page.locator('[role="tab"][aria-selected="true"]').get_attribute("id") == "tab-t0"
    assert page.locator(".trial.shown").get_attribute("id") == "t0"
    assert min(painted(page)) > 20


def test_arms_and_targets_are_changed_by_up_and_down(reader: Reader) -> None:
    page = reader.open(PODS)
    chosen = page.locator('[role="tab"][aria-selected="true"]')
    names = []
    chosen.focus()
    page.keyboard.press("Home")
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
        names.append(" ".join(chosen.inner_text().split()[-5:]))
    assert names == [
        "default \u00b7 shop-7d9f-bbbbb trial 1",
        "default \u00b7 shop-7d9f-bbbbb trial 2",
        "madvise \u00b7 shop-7d9f-aaaaa trial 2",
        "default \u00b7 shop-7d9f-bbbbb trial 2",
        "default \u00b7 shop-7d9f-aaaaa trial 2",
    ]


def test_a_target_beside_the_others_opens_its_own_trial(reader: Reader) -> None:
    page = reader.open(PODS)
    page.locator("#targets a").last.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".trial.shown")).to_have_id("t3")
    expect(page.locator(".trial.shown .chart").first).to_be_visible()


def flame_shares(page: Page) -> dict[str, float]:
    """Width of each visible frame as a share of the whole."""
    shares: dict[str, float] = page.evaluate(
        """() => {
             const shown = document.querySelectorAll(".trial.shown .frame:not([hidden])");
             return Object.fromEntries(
               [...shown].map((f) => [f.textContent, parseFloat(f.style.width) / 100]));
           }"""
    )
    return shares


def test_the_flame_graph_zooms_by_keyboard_and_back(reader: Reader) -> None:
    page = reader.open()
    whole = flame_shares(page)
    assert whole["inventory.newEntry"] == pytest.approx(0.9, abs=0.01)
    page.locator('.trial.shown [role="treeitem"]').first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "inventory.(*Cache).grow"
    zoomed = flame_shares(page)
    assert zoomed["inventory.(*Cache).grow"] == zoomed["runtime.makeslice"] == 1
    assert "inventory.newEntry" not in zoomed
    page.keyboard.press("Escape")
    assert flame_shares(page) == whole


def test_the_flame_graph_finds_functions_and_says_their_share(reader: Reader) -> None:
    page = reader.open()
    page.get_by_label("Which flame graph").select_option(label="In use at hold.end")
    page.get_by_label("Search functions").fill("cache).FILL")
    assert page.locator(".flame-bar output").inner_text() == "74.8 % matched"
    assert page.locator(".frame.hit").all_inner_texts() == ["inventory.(*Cache).Fill"]


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible(reader: Reader, theme: str, viewport: dict[str, int]) -> None:
    page = reader.open(PODS, color_scheme=theme, viewport=viewport)
    page.locator("details").evaluate_all("all => all.forEach((d) => { d.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_overlaps_and_nothing_scrolls_sideways(
    reader: Reader, viewport: dict[str, int]
) -> None:
    page = reader.open(PODS, viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for figure in page.locator(".trial.shown .chart").all():
        title = figure.locator("figcaption").bounding_box()
        legend = figure.locator(".u-legend tr:not(:first-child)").first.bounding_box()
        assert title is not None
        assert legend is not None
        words = figure.locator("figcaption").evaluate(
            "e => { const r = document.createRange(); r.selectNodeContents(e);"
            " return r.getBoundingClientRect().right; }"
        )
        assert words <= legend["x"] or title["y"] + title["height"] <= legend["y"] + 1


def test_the_theme_follows_the_system_and_the_button(reader: Reader) -> None:
    page = reader.open(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 23, 26)"
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert min(painted(page)) > 20
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(ground) == "rgb(20, 23, 26)"


def test_printing_unfolds_what_did_not_pass_on_light_paper(reader: Reader) -> None:
    page = reader.open(color_scheme="dark")
    page.evaluate(
        """() => addEventListener("beforeprint", () => {
             window.open_ = [...document.querySelectorAll("details[open] > summary")]
               .map((summary) => summary.textContent.replace(/ \\(.*/, ""));
             window.width = document.querySelector("canvas").getBoundingClientRect().width;
             window.ground = getComputedStyle(document.body).backgroundColor;
           })"""
    )
    assert page.pdf().startswith(b"%PDF")
    folded = page.evaluate("window.open_")
    assert ["FAIL" in folded[0], "INCONCLUSIVE" in folded[1]] == [True, True]
    assert folded[2:] == ["What happened when"]
    assert page.evaluate("window.width") <= 680
    assert page.evaluate("window.ground") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.dataset.theme") is None
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.locator("#theme").is_hidden()


def test_nothing_is_wider_than_the_paper(reader: Reader) -> None:
    page = reader.open(PODS, viewport={"width": 688, "height": 900})  # A4 less its margins
    page.locator(".check:not(.pass) > details").evaluate_all(
        "all => all.forEach((d) => { d.open = true; })"
    )
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 688


def test_without_scripts_everything_but_the_charts_can_be_read(reader: Reader) -> None:
    page = reader.open({"kind": "leak", "trials": 2}, java_script_enabled=False)
    assert page.locator("svg.spark").count() == 4
    assert page.locator("svg.spark").first.is_visible()
    assert page.locator("#t0").is_visible()
    assert page.locator("#t1").is_visible()
    assert page.locator('[role="tablist"]').is_hidden()


def test_a_ten_minute_run_is_painted_whole(reader: Reader) -> None:
    """How soon is measured by benchmarks/report/paint.py."""
    page = reader.open({"kind": "leak", "stretch": 15.0})
    assert page.evaluate(PAINTED_AT) > 0
    colours = painted(page)
    assert len(colours) == 6
    assert min(colours) > 20


def test_a_note_is_read_where_it_was_written(reader: Reader) -> None:
    evidence = sample.evidence()
    note = ActRecord(21.0, "note", by="ana", text="the pager is quiet")
    page = reader.show(html(sample.verdict(evidence), replace(evidence, acts=(note,))))
    hover(page, 0.5)  # 20 s into the trial, which begins 1 s into the run
    clock = page.locator(".trial.shown .clock")
    expect(clock).to_have_text(re.compile("hold · note by ana: the pager is quiet$"))
    hover(page, 0.7)
    expect(clock).not_to_contain_text("note")


def test_memory_layers_are_stacked_and_read_in_step_with_the_others(reader: Reader) -> None:
    page = reader.open()
    hover(page, 0.5)
    layers = page.locator('.trial.shown [data-chart="layers"]')
    shown = layers.locator(".u-series:not(:first-child)")
    read = dict(zip(shown.locator(".u-label").all_inner_texts(), mib(shown), strict=True))
    bands = [v for name, v in read.items() if name.startswith(("heap", "stacks", "Go"))]
    assert len(bands) == 6
    assert sum(bands) + read["unexplained"] == pytest.approx(read["resident (RSS)"], abs=0.4)
    assert read["unexplained"] == pytest.approx(6, abs=0.1)  # the sample's own


def mib(shown: Locator) -> list[float]:
    texts = shown.locator(".u-value").all_inner_texts()
    return [float(t.split()[0]) / (1024 if t.endswith("KiB") else 1) for t in texts]


def test_the_flame_graph_stands_on_its_root_or_hangs_from_it(reader: Reader) -> None:
    page = reader.open()
    tops = """() => [...document.querySelectorAll(".trial.shown .frame:not([hidden])")]
        .map((frame) => parseFloat(frame.style.top))"""
    down = page.evaluate(tops)
    page.get_by_role("button", name="Flame", exact=True).click()
    assert page.evaluate(tops) == [max(down) - top for top in down]
    page.locator('.trial.shown [role="treeitem"]').first.focus()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.getAttribute('aria-level')") == "2"


def test_the_top_table_sorts_and_marks_the_frames_of_a_function(reader: Reader) -> None:
    page = reader.open()
    page.get_by_label("Which flame graph").select_option(label="In use at hold.end")
    page.get_by_role("button", name="Top table").click()
    rows = page.locator("table.top tbody tr")
    assert rows.first.locator("td").last.inner_text() == "inventory.newEntry"
    page.get_by_role("button", name="cum", exact=True).click()
    assert rows.first.locator("td").last.inner_text() == "net/http.(*conn).serve"
    rows.first.get_by_role("button").click()
    assert page.locator(".frame.hit").all_inner_texts() == ["net/http.(*conn).serve"]


PROFILES: dict[str, list[dict[tuple[str, ...], int]]] = {
    "flame": [{("main", "a", "b"): 9 * MIB, ("main", "c"): 3 * MIB}],
    "difference": [{("main", "a", "b"): 9 * MIB, ("main", "c"): MIB}, {("main", "c"): 4 * MIB}],
}


def profile_page(kind: str) -> str:
    profiles = [read(pprof(stacks, "heap")) for stacks in PROFILES[kind]]
    tree = plant(profiles, Options(sample_index="inuse_space"))
    rows, total = functions(profiles[0], Options(sample_index="inuse_space"))
    told = Told("heap </script><script>alert(1)</script>", "Width: bytes.", "bytes", rows, total)
    flame = value_flame(tree, 0, told) if kind == "flame" else diff_flame(tree, 1, 0, told)
    return flame_page("heap.pb.gz <img src=x>", [("profile", "<b>")], [flame])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["flame", "difference"])
def test_a_page_of_a_profile_is_accessible_and_asks_for_nothing(
    reader: Reader, kind: str, theme: str
) -> None:
    page = reader.show(profile_page(kind), color_scheme=theme)
    assert page.locator(".frame").count() == 5
    assert page.locator("table.top tbody tr").count() > 2
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_difference_is_coloured_by_what_prevails(reader: Reader) -> None:
    page = reader.show(profile_page("difference"))
    classes = page.locator(".frame").evaluate_all(
        "all => Object.fromEntries(all.map((f) => [f.textContent, f.className]))"
    )
    assert "g4" in classes["b"]
    assert "s4" in classes["c"]
    assert page.locator(".flame-line").inner_text().startswith("all: +6.0 MiB, 4.0 MiB → 10.0 MiB")
