"""First contentful paint of the report of a ten-minute run with twelve captures.

    python -m benchmarks.report.paint [TIMES]

TIMES (5) fresh contexts in one Chromium; prints each and the median, in ms: the first contentful
paint, and the load event's end, by when the time lines and the flame graph are drawn.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.report.long_run import evidence
from chaosmem.report import html
from tests.report import sample
from tests.report.test_browser import FLAGS, PAINTED_AT, WIDE

LOADED_AT = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def paint(browser: Browser, address: str) -> tuple[float, float]:
    """Milliseconds from navigation to (first contentful paint, load event), in a new context."""
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.wait_for_function(f"{LOADED_AT} > 0")
    seen = page.evaluate(PAINTED_AT), page.evaluate(LOADED_AT)
    context.close()
    return seen


def main() -> None:
    """Measure and print."""
    run = evidence()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_text(html(sample.verdict(run), run), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        seen = []
        for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
            seen.append(paint(browser, file.as_uri()))
            print("first paint {:.0f} ms, loaded {:.0f} ms".format(*seen[-1]), flush=True)
        browser.close()
    first, loaded = (statistics.median(column) for column in zip(*seen, strict=True))
    print(f"median: first paint {first:.0f} ms, loaded {loaded:.0f} ms")


if __name__ == "__main__":
    main()
