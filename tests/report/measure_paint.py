"""First contentful paint of the report of a ten-minute run: `python -m tests.report.measure_paint`.

Five fresh pages in one Chromium; prints each and the median, in ms.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from chaosmem.report import html
from tests.report import sample
from tests.report.test_browser import FLAGS, PAINTED_AT, WIDE


def paint(browser: Browser, address: str) -> float:
    """Milliseconds from navigation to the first contentful paint, in a new context."""
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    seen: float = page.evaluate(PAINTED_AT)
    context.close()
    return seen


def main() -> None:
    """Measure and print."""
    evidence = sample.evidence("leak", stretch=15.0)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_text(html(sample.verdict(evidence), evidence), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        seen = [paint(browser, file.as_uri()) for _ in range(5)]
        browser.close()
    each = ", ".join(f"{ms:.0f}" for ms in seen)
    sys.stdout.write(f"{each}; median {statistics.median(seen):.0f} ms\n")


if __name__ == "__main__":
    main()
