import io

import pytest
from rich.console import Console

from featrank.render.plain import print_columns, shown, size

COLUMNS = {
    "model": ["resnet50", "ü", "模型"],
    "gda": ["0.5", "0.25", "1"],
    "img/s": ["7", "80", "–"],
}


def printed(width: int, **more: tuple[str, ...]) -> list[str]:
    """The lines below the blank one at the top, without their right edge."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=False)
    print_columns(COLUMNS, console, left=("model",), **more)
    return [line.rstrip() for line in stream.getvalue().splitlines()][1:]


def test_names_stand_left_and_numbers_right() -> None:
    # Each of the two Chinese characters is as wide as two others.
    assert printed(80) == [
        " model       gda   img/s",
        " ───────────────────────",
        " resnet50    0.5       7",
        " ü          0.25      80",
        " 模型          1       –",
        "",
    ]


def test_what_is_dispensable_goes_first_to_go_first_and_names_never() -> None:
    # The whole table is 25 wide, with its margins; 17 without img/s; 10 with the names alone.
    assert printed(25, dispensable=("img/s", "gda"))[0].split() == ["model", "gda", "img/s"]
    assert printed(24, dispensable=("img/s", "gda"))[0].split() == ["model", "gda"]
    assert printed(17, dispensable=("img/s", "gda"))[0].split() == ["model", "gda"]
    assert printed(16, dispensable=("img/s", "gda"))[0].split() == ["model"]
    narrow = printed(3, dispensable=("img/s", "gda"))
    assert narrow[0].split() == ["model"]
    assert narrow[2] == " resnet50"


def test_a_cell_of_several_lines_makes_as_many_of_its_row() -> None:
    stream = io.StringIO()
    print_columns({"a": ["x", "y"], "b": ["1\nlonger", "2"]}, Console(file=stream, width=80))
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert lines[3:6] == [["x", "1"], ["longer"], ["y", "2"]]


def test_no_rows_leave_the_headings() -> None:
    stream = io.StringIO()
    print_columns({"model": [], "gda": []}, Console(file=stream, width=80))
    assert stream.getvalue().split() == ["model", "gda", "─" * 11]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a\x1b[31m\nb", r"a\x1b[31m\nb"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202egnp.exe", r"abc\u202egnp.exe"),
        ("\udcff", r"\udcff"),
        ('it\'s "ü" 模型 \\n', 'it\'s "ü" 模型 \\n'),
    ],
)
def test_what_acts_on_a_terminal_is_spelled_out(text: str, safe: str) -> None:
    assert shown(text) == safe
    assert safe.isprintable()


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (12_345, "12.3 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (25_000_000, "25 MB"),
        (999_999_999, "1 GB"),
        (2.5e12, "2.5 TB"),
    ],
)
def test_sizes_have_three_digits_in_powers_of_1000(n_bytes: float, text: str) -> None:
    assert size(n_bytes) == text
