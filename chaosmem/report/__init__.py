"""A verdict for every reader: terminal, CI, merge request, and one page to open.

Pure functions: `Evidence` and `Verdict` in, text or bytes out. The verdict's own JSON is
`chaosmem.verify`'s.
"""

from __future__ import annotations

from chaosmem.report.html import html
from chaosmem.report.junit import junit
from chaosmem.report.markdown import markdown
from chaosmem.report.text import text

__all__ = ["html", "junit", "markdown", "text"]
