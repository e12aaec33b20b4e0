"""JUnit XML of the gate: a file without `failure` and `error` means that it is open. Pure."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from chaosmem import report
from chaosmem.evidence.model import Evidence
from chaosmem.gate.decision import Decision, shown
from chaosmem.report.words import plain


def junit(decision: Decision, evidence: Evidence) -> bytes:
    """The checks, and each again against the baseline; what does not fail the gate is skipped."""
    told = replace(
        decision.verdict,
        findings=shown(decision),
        says=decision.says,
        exit_code=int(decision.exit_code),
    )
    return report.junit(told, evidence)


def refused(name: str, why: str, kind: str) -> bytes:
    """One error: the run did not begin."""
    root = ET.Element("testsuites", name=plain(name), tests="1", failures="0", errors="1")
    suite = ET.SubElement(root, "testsuite", name=plain(name), tests="1", failures="0", errors="1")
    suite.set("skipped", "0")
    case = ET.SubElement(suite, "testcase", name="begin", classname=f"chaosmem.{plain(name)}")
    words = "\n".join(plain(line) for line in why.splitlines())
    ET.SubElement(case, "error", type=kind, message=plain(why)).text = words
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"
