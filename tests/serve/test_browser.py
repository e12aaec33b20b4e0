"""The pages as readers meet them: a real server, a real Chromium, and a real run in progress."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

from chaosmem import rundir
from chaosmem.run.undo import open_promises
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.journal import decode
from chaosmem.spec.base import Phase
from chaosmem.verify.model import Outcome
from tests.history.build import directory, finding, months, run_id
from tests.run.harness import ENV, Lab
from tests.serve.conftest import TOKEN
from tests.serve.stage import TRIAL, Staged, killed, promise
from tests.serve.test_pages import remember

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 400, "height": 800}
PATIENCE = 60_000
"""ms: a loaded machine starts a run in many times the second that a quiet one needs."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        message = "no chromium on PATH; tests/report/install-browser.sh installs it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def serving(base: Path, db: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`chaosmem serve` on a free port: its process and its address."""
    command = [sys.executable, "-m", "chaosmem", "serve", "--runs-dir", str(base), "--port", "0"]
    env = ENV | {"CHAOSMEM_DB": db} | more
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as server:
        try:
            assert server.stderr is not None
            found = re.search(r"http://\S+", server.stderr.readline())
            assert found is not None
            yield server, found[0]
        finally:
            server.terminate()


@pytest.fixture
def server(base: Path, db: str) -> Iterator[str]:
    with serving(base, db) as (_, address):
        yield address


class Reader:
    """Opens pages of the server, and notes whatever a page should not do."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self.address = browser, address
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, path: str, **context: object) -> Page:
        self._contexts.append(self._browser.new_context(**({"viewport": WIDE} | context)))  # type: ignore[arg-type]
        page = self._contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        note = self.complaints.append
        page.on("console", lambda message: note(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: note(f"error: {error}"))
        page.on("dialog", self._dismiss)
        page.on("request", lambda request: self._local(request.url))
        page.goto(self.address + path)
        return page

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _local(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "about:")):
            self.complaints.append(f"request: {url}")

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def reader(browser: Browser, server: str) -> Iterator[Reader]:
    opened = Reader(browser, server)
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.fixture
def lab(tmp_path: Path, healthy: Path) -> Lab:
    made = Lab(tmp_path, healthy)
    made.runs.mkdir(exist_ok=True)
    return made


def long_run(lab: Lab) -> Path:
    """A run that holds until somebody ends it."""
    phases = {"baseline": "500ms", "inject": "200ms", "hold": "4m", "recover": "300ms"}
    return lab.spec(phases=phases, limits={"duration": "10m"})


@contextmanager
def started(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """That run, in progress; ended afterwards if nobody has ended it."""
    run = lab.start("run", long_run(lab), "--runs-dir", lab.runs, "--progress", "none")
    try:
        yield run
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGINT)
        run.communicate(timeout=120)


def the_run(lab: Lab) -> RunDir:
    return next(rundir.runs(lab.runs))


def test_a_real_run_is_watched_held_noted_and_aborted(reader: Reader, lab: Lab) -> None:
    page = reader.open("/live")
    expect(page.get_by_role("heading", name="No run is in progress")).to_be_visible()
    with started(lab) as run:
        expect(page).to_have_url(re.compile(r"/runs/lab/[^/]+/live$"))
        expect(page.locator("#faults .in-effect")).to_have_count(3)
        expect(page.locator("#phases .now .name")).to_have_text("hold")
        goroutines = page.locator('[data-chart="goroutines"]')
        expect(goroutines).to_have_attribute("aria-label", re.compile(r"goroutines 2\d\d"))
        expect(page.locator('[data-chart="heap"]')).to_have_attribute(
            "aria-label", re.compile(r"live \d+\.\d MiB, goal \(next_gc\) \d+\.\d MiB")
        )
        page.get_by_label("Your name").fill("ann")
        page.get_by_role("button", name="Hold").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#answer")).to_contain_text("hold by ann (web)")
        page.get_by_label("Note").fill("<b>pager</b> went off")
        page.get_by_role("button", name="Add note").click()
        expect(page.locator("#events")).to_contain_text("<b>pager</b> went off")
        page.get_by_role("button", name="Abort").click()
        page.get_by_role("button", name="Press again to abort").click()
        expect(page.locator("#state")).to_have_text("ended")
        expect(page.locator("#says")).to_contain_text("interrupted")
        expect(page.get_by_role("button", name="Pause")).to_be_hidden()
        run.wait(timeout=120)
    page.get_by_role("link", name="To the run's page").click()
    expect(page.locator(".outcome")).to_contain_text("INCONCLUSIVE")
    expect(page.locator("#notes")).to_contain_text("<b>pager</b> went off")
    assert not open_promises(decode(the_run(lab).read(layout.JOURNAL)))


def test_a_page_opened_later_shows_the_run_from_its_start(reader: Reader, lab: Lab) -> None:
    with started(lab):
        first = reader.open("/live")
        expect(first.locator("#phases .now .name")).to_have_text("hold")
        page = reader.open(first.url.removeprefix(reader.address))
        expect(page.locator('[data-chart="memory"] canvas')).to_be_visible()
        words = page.locator("#events").inner_text()
        for told in ("phase baseline", "phase inject", "phase hold", "heap applied"):
            assert told in words
        since = page.evaluate("tables.samples[0][0]")
        assert since < 5


def test_a_runner_that_is_killed_is_told_and_undone_from_the_page(reader: Reader, lab: Lab) -> None:
    with started(lab) as run:
        page = reader.open("/live")
        expect(page.locator("#faults .in-effect")).to_have_count(3)
        run.kill()  # and not reaped yet
        expect(page.locator("#state")).to_have_text("killed")
        expect(page.locator("#says")).to_contain_text("is gone, and the journal just stops")
        run.wait(timeout=60)
        page.get_by_role("link", name="To the run's page").click()
        expect(page.get_by_role("heading", name="Not undone")).to_be_visible()
        page.get_by_role("button", name="Undo now").click()
        expect(page.get_by_text("Everything is undone")).to_be_visible()
    assert not open_promises(decode(the_run(lab).read(layout.JOURNAL)))


def test_without_a_script_the_buttons_are_forms(reader: Reader, base: Path) -> None:
    run = Staged(base)
    run.begin()
    run.phase(Phase.HOLD, 12)
    page = reader.open("/live", java_script_enabled=False)
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_text("Asked for: hold")).to_be_visible()
    assert b'"act":"hold"' in run.dir.read("control.jsonl")
    page.goto(f"{reader.address}/")
    page.get_by_label("Text").fill("nothing like that")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No run fits")).to_be_visible()


def test_the_list_shows_a_run_begin_and_its_verdict_come(reader: Reader, base: Path) -> None:
    months(base, [2.0])
    page = reader.open("/")
    page.get_by_label(f"Compare {run_id(0)}").check()
    page.get_by_label("Text").focus()
    run = Staged(base, "zoo")
    run.begin()
    expect(page.locator("#live")).to_contain_text(run.dir.run_id)
    expect(page.get_by_label(f"Compare {run_id(0)}")).to_be_checked()
    run.end()
    run.dir.write(layout.VERDICT, b'{"outcome": "FAIL", "says": "FAIL: it leaks."}')
    expect(page.locator(".runs .badge.fail")).to_contain_text("FAIL")
    expect(page.locator("#live")).to_be_empty()


def test_a_pause_is_shown_as_long_as_it_lasts(reader: Reader, base: Path) -> None:
    run = Staged(base)
    run.begin()
    run.phase(Phase.HOLD, 12)
    page = reader.open(f"{run.url}/live")
    expect(page.locator("#waits")).to_be_hidden()
    from chaosmem.rundir.acts import WaitBegun, WaitEnded

    run.write(WaitBegun(t=13, trial=TRIAL, kind="pause", step="release", does="end goroutines"))
    expect(page.locator("#waits")).to_have_text("paused before release: end goroutines")
    run.write(WaitEnded(t=14, trial=TRIAL, kind="pause", step="release", seconds=1, why="asked"))
    expect(page.locator("#waits")).to_be_hidden()


def test_a_spike_between_two_looks_is_drawn(reader: Reader, base: Path) -> None:
    run = Staged(base)
    run.begin()
    page = reader.open(f"{run.url}/live")
    for n in range(1000):
        run.sample(n / 1000, 9999 if n == 500 else 10)
    run.flush()
    expect(page.locator('[data-chart="goroutines"] canvas')).to_be_visible()
    assert page.evaluate("Math.max(...tables.samples[1])") == 9999
    assert page.evaluate("tables.samples[0].length") < 200


def test_what_is_refused_is_said_beside_the_buttons(reader: Reader, base: Path) -> None:
    run = Staged(base)
    run.begin()
    page = reader.open(f"{run.url}/live")
    page.locator("[name=seconds]").fill("soon")
    page.get_by_role("button", name="Extend").click()
    expect(page.locator("#answer")).to_contain_text("is no length of time")
    assert all("409" in c for c in reader.complaints)
    reader.complaints.clear()


def test_a_hostile_run_runs_no_script(reader: Reader, base: Path) -> None:
    run = Staged(base)
    run.begin()
    hostile = "</td><script>alert(1)</script><img src=x onerror=alert(2)>"
    run.write(events.Noted(t=1, text=hostile))
    run.dir.write(layout.REPORT, b"<script>try{parent.injected=1}catch(e){};fetch('/')</script>")
    page = reader.open(f"{run.url}/live")
    expect(page.locator("#events")).to_contain_text(hostile)
    run.write(events.Noted(t=2, text=hostile + "2"))
    expect(page.locator("#events")).to_contain_text(hostile + "2")
    assert page.locator("img").count() == 0
    run.end()
    page = reader.open(run.url)
    page.locator("iframe.report").scroll_into_view_if_needed()
    while not any("Connecting to" in c for c in reader.complaints):
        page.wait_for_timeout(50)
    assert page.evaluate("window.injected") is None
    assert not [c for c in reader.complaints if "dialog" in c]
    reader.complaints.clear()


def test_the_policy_stops_what_an_injection_would_do(reader: Reader) -> None:
    page = reader.open("/compare")
    page.evaluate(
        """() => {
             const script = document.createElement("script");
             script.textContent = "window.injected = true";
             document.body.append(script);
             const line = document.createElement("p");
             document.body.append(line);
             line.outerHTML = '<p onclick="window.injected = true">x</p>';
             document.body.lastElementChild.click();
           }"""
    )
    assert page.evaluate("window.injected") is None
    away = "fetch('http://localhost:1/').then(() => 'went out', () => 'stopped')"
    assert page.evaluate(away) == "stopped"
    for stopped in ("inline script", "inline event handler", "Connecting to"):
        assert sum(stopped in complaint for complaint in reader.complaints) == 1
    reader.complaints.clear()


def test_the_report_of_a_run_is_alive_in_its_sandbox(reader: Reader, lab: Lab) -> None:
    done = lab.run(lab.spec(), "--progress", "none")
    page = reader.open(f"/runs/lab/{done.rundir.name}")
    page.locator("iframe.report").scroll_into_view_if_needed()
    inside = page.frame_locator("iframe.report")
    expect(inside.locator(".trial.shown canvas").first).to_be_visible()
    frame = page.frames[1]
    assert frame.evaluate("window.origin") == "null"


def test_with_a_token_the_page_asks_for_it_once(
    browser: Browser, base: Path, db: str, tmp_path: Path
) -> None:
    months(base, [2.0])
    with serving(base, db, CHAOSMEM_SERVE_TOKEN=TOKEN) as (_, address):
        reader = Reader(browser, address)
        page = reader.open("/trends")
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        page.get_by_label("Token").fill("not the token at all")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Trends")).to_be_visible()
        assert page.evaluate("document.cookie") == ""
        page.goto(f"{address}/")
        expect(page.get_by_text(run_id(0))).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        reader.close()
        assert [c for c in reader.complaints if "403" not in c] == []


def test_a_server_that_stops_ends_its_streams_and_the_page_says_so(
    browser: Browser, base: Path, db: str
) -> None:
    run = Staged(base)
    run.begin()
    with serving(base, db) as (server, address):
        reader = Reader(browser, address)
        page = reader.open(f"{run.url}/live")
        expect(page.locator("#events tr")).to_have_count(1)
        begun = time.monotonic()
        server.terminate()
        assert server.wait(timeout=60) == 0
        assert time.monotonic() - begun < 60
        expect(page.locator("#lost")).to_be_visible()
        page.get_by_role("button", name="Hold").click()
        expect(page.locator("#answer")).to_contain_text(f"kill -INT {os.getpid()}")
        reader.close()


def furnish(base: Path, db: str) -> list[str]:
    """Runs of all kinds, and a history; the paths of all pages."""
    runs = months(base, [2.0 + 0.01 * (n % 5) + (n >= 14) for n in range(20)])
    bad = finding(3.0, outcome=Outcome.FAIL, error=0.1)
    runs.append(directory(base, 20, [bad, replace(bad, outcome=Outcome.INCONCLUSIVE, name="x")]))
    remember(db, runs, approve=True)
    live, dead = Staged(base), killed(base, promise("no-such-run"))
    live.begin()
    live.phase(Phase.HOLD, 12)
    live.write(events.FaultApplied(t=10, trial=TRIAL, fault=live.faults[0], at=10, u=0.001))
    for n in range(200):
        live.sample(n / 10, 10 + n % 7)
    live.flush()
    return [
        "/",
        f"/runs/cart/{run_id(20)}",
        f"{live.url}/live",
        dead.url,
        "/trends?experiment=cart",
        "/trends?experiment=cart&check=goroutine-recovery",
        f"/compare?run={run_id(0)}&run={run_id(20)}",
        "/compare",
        "/baselines",
        f"/history/{run_id(1)}",
        "/nowhere",
    ]


@pytest.mark.timeout(900)  # eleven pages, each examined whole
@pytest.mark.parametrize(
    ("theme", "viewport"),
    [("light", WIDE), ("dark", WIDE), ("light", NARROW)],
    ids=["light", "dark", "narrow"],
)
def test_every_page_is_accessible_and_fits(
    reader: Reader, base: Path, db: str, theme: str, viewport: dict[str, int]
) -> None:
    page = reader.open("/login", color_scheme=theme, viewport=viewport)
    for path in furnish(base, db):
        page.goto(reader.address + path)
        if path.endswith("/live"):
            expect(page.locator("#charts canvas").first).to_be_visible()
        page.locator("details").evaluate_all("all => all.forEach((d) => { d.open = true; })")
        found = Axe().run(page, options={"iframes": False})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= viewport["width"], path
    assert all("404" in complaint for complaint in reader.complaints)
    reader.complaints.clear()


def test_the_theme_is_kept_from_page_to_page(reader: Reader) -> None:
    page = reader.open("/", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(ground) == "rgb(20, 23, 26)"
    page.goto(f"{reader.address}/compare")
    assert page.evaluate(ground) == "rgb(20, 23, 26)"
