"""A gate's verdict: a table for people, JSON, Markdown, JUnit XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from featrank.render.markdown_file import escape, table_lines
from featrank.render.text.plain import Cell, print_columns, print_lines
from featrank.render.text.visible import shown

# As featrank.cli.gate.verdict_document makes it.
Verdict = Mapping[str, Any]


def print_verdict(verdict: Verdict, console: Console) -> None:
    """Print a line for each check, and the verdict."""
    print_columns(_columns(verdict["checks"]), console, left=("verdict", "condition", "reason"))
    print_lines([verdict["summary"]], console)


def verdict_markdown(verdict: Verdict) -> Iterator[str]:
    """The verdict as Markdown lines."""
    yield f"### {escape(verdict['summary'])}"
    yield ""
    yield from table_lines(_columns(verdict["checks"]))


def verdict_junit(verdict: Verdict) -> bytes:
    """The verdict as JUnit XML: a fail is a failure, no verdict an error, allowed is skipped.

    What XML 1.0 cannot hold is not printable either, and becomes visible.
    """
    checks = verdict["checks"]
    count = {kind: sum(check["outcome"] == kind for check in checks) for kind in _ELEMENTS}
    suite = ET.Element(
        "testsuite",
        name="featrank gate",
        tests=str(len(checks)),
        failures=str(count["fail"]),
        errors=str(count["no verdict"]),
        skipped=str(count["allowed"]),
    )
    for check in checks:
        name = f"{check['condition']}: {check['reason']}" if _repeats(check, checks) else ""
        case = ET.SubElement(
            suite,
            "testcase",
            classname="featrank.gate.judge",
            name=shown(name or check["condition"]),
        )
        element = _ELEMENTS.get(check["outcome"])
        if element is not None:
            ET.SubElement(case, element, message=shown(check["reason"]))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True))


_ELEMENTS = {"fail": "failure", "no verdict": "error", "allowed": "skipped"}


def _columns(checks: Sequence[Mapping[str, str]]) -> dict[str, list[Cell]]:
    return {
        "verdict": [check["outcome"] for check in checks],
        "condition": [check["condition"] for check in checks],
        "reason": [check["reason"] for check in checks],
    }


def _repeats(check: Mapping[str, str], checks: Sequence[Mapping[str, str]]) -> bool:
    return sum(other["condition"] == check["condition"] for other in checks) > 1
