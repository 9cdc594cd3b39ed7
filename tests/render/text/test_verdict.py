import io
import xml.etree.ElementTree as ET
from typing import Any

from rich.console import Console

from featrank.render.text.verdict import print_verdict, verdict_junit, verdict_markdown

VERDICT: dict[str, Any] = {
    "summary": "gate: failed (1 of 2 checks failed, 1 could not be judged)",
    "checks": [
        {"condition": "--max-drop gda:2%", "outcome": "pass", "reason": "best: equal"},
        {"condition": "--max-drop gda:2%", "outcome": "fail", "reason": "a|b <i>\x00\x1b]: worse"},
        {"condition": "baseline", "outcome": "no verdict", "reason": "c failed"},
        {"condition": "result", "outcome": "allowed", "reason": "partial"},
    ],
}


def test_junit_is_xml_whatever_names_hold() -> None:
    suite = ET.fromstring(verdict_junit(VERDICT))[0]
    counts = [suite.get(key) for key in ("tests", "failures", "errors", "skipped")]
    assert counts == ["4", "1", "1", "1"]
    kinds = [[child.tag for child in case] for case in suite]
    assert kinds == [[], ["failure"], ["error"], ["skipped"]]
    assert suite[1][0].get("message") == r"a|b <i>\x00\x1b]: worse"
    # Test reports go by name: two checks of one condition have two.
    assert len({case.get("name") for case in suite}) == 4


def test_markdown_and_the_table_show_names_as_text() -> None:
    text = "\n".join(verdict_markdown(VERDICT))
    assert r"a\|b \<i\>" in text
    stream = io.StringIO()
    print_verdict(VERDICT, Console(file=stream, width=200))
    assert r"a|b <i>\x00\x1b]: worse" in stream.getvalue()
    assert stream.getvalue().splitlines()[-1] == VERDICT["summary"]
