"""The roll-up as JUnit XML: each cell a test case, red unless it passed.

A CI that looks at nothing but this file does not go green unless the campaign's code is 0.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from chaosmem.campaign.rollup import Rollup, Row
from chaosmem.errors import Exit
from chaosmem.verify import Outcome

# What XML 1.0 cannot say, not even as a reference (section 2.2, Char).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(rollup: Rollup) -> bytes:
    """The roll-up, UTF-8. FAIL is a `failure`, everything else that is no PASS an `error`."""
    root = ET.Element("testsuites", name=_clean(rollup.campaign))
    suite = ET.SubElement(root, "testsuite", name=_clean(rollup.campaign))
    for row in rollup.rows:
        _case(suite, row, rollup.campaign)
    red = any(row.outcome is not Outcome.PASS for row in rollup.rows)
    if rollup.exit_code != Exit.PASS and not red:
        case = ET.SubElement(suite, "testcase", name="campaign", classname="chaosmem.campaign")
        ET.SubElement(case, "error", type="campaign", message=_clean(rollup.reason or rollup.says))
    _count(suite)
    _count(root)
    suite.set("time", f"{sum(row.seconds or 0.0 for row in rollup.rows):.3f}")
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(suite: ET.Element, row: Row, campaign: str) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        name=_clean(row.name),
        classname=_clean(f"chaosmem.campaign.{campaign}"),
        time=f"{row.seconds or 0.0:.3f}",
    )
    words = _clean(row.says)
    if row.outcome is Outcome.FAIL:
        ET.SubElement(case, "failure", type="verdict", message=words).text = words
    elif row.outcome is not Outcome.PASS or row.exit_code != Exit.PASS:
        kind = "inconclusive" if row.where == "done" else row.where.replace(" ", "-")
        ET.SubElement(case, "error", type=kind, message=words).text = words
    if row.run_id:
        ET.SubElement(case, "system-out").text = _clean(f"run {row.run_id}")


def _count(element: ET.Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    element.set("failures", str(sum(c.find("failure") is not None for c in cases)))
    element.set("errors", str(sum(c.find("error") is not None for c in cases)))
    if element.tag == "testsuite":
        element.set("skipped", "0")


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
