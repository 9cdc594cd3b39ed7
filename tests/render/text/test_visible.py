import json

import pytest

from featrank.render.text.visible import as_json, shown, talk


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a\x1b[31m\nb", r"a\x1b[31m\nb"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202egnp.exe", r"abc\u202egnp.exe"),
        ("a\u2028b", r"a\u2028b"),
        ("\udcff\U000e0001", r"\udcff\U000e0001"),
        ('it\'s "ü" 模型 \\n', 'it\'s "ü" 模型 \\n'),
    ],
)
def test_what_acts_on_a_terminal_is_spelled_out(text: str, safe: str) -> None:
    assert shown(text) == safe
    assert safe.isprintable()
    assert shown(safe) == safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("  ::x", r"  \x3a:x"),
        ("a ::error::x", "a ::error::x"),
        ("a ##[error]x", r"a \x23#[error]x"),
        ("###vso[task]", r"#\x23#vso[task]"),
        ("## heading [1]", "## heading [1]"),
        ("a\n::error::x", r"a\n::error::x"),
    ],
)
def test_no_line_is_an_order_to_a_runner(text: str, safe: str) -> None:
    assert talk(text) == safe
    assert talk(safe) == safe


def test_json_is_ascii_and_says_the_same() -> None:
    document = {"##[error]\x7f": ["\x9b", "\u2028é", "\ud800", "##vso[x]", 0.1]}
    text = as_json(document)
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert "##" not in text
    assert json.loads(text) == document
    with pytest.raises(ValueError, match="JSON"):
        as_json(float("nan"))
