import io

import pytest
from rich.console import Console

from featrank.render.text.plain import print_columns, print_lines, size

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
    print_columns({"a": ["x", "y"], "b": [("1", "longer"), "2"]}, Console(file=stream, width=80))
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert lines[3:6] == [["x", "1"], ["longer"], ["y", "2"]]


def test_no_rows_leave_the_headings() -> None:
    stream = io.StringIO()
    print_columns({"model": [], "gda": []}, Console(file=stream, width=80))
    assert stream.getvalue().split() == ["model", "gda", "─" * 11]


def test_cells_headings_and_lines_are_one_line_each_and_no_order() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=80)
    print_columns({"::a\n": ["::b\x1b", "##[error]"]}, console, left=("::a\n",))
    print_lines(["::c\nd"], console)
    lines = [line.strip() for line in stream.getvalue().split("\n")]
    assert lines[1:2] + lines[3:5] == [r"\x3a:a\n", r"\x3a:b\x1b", r"\x23#[error]"]
    assert lines[6:] == [r"\x3a:c\nd", ""]


def test_a_rule_in_ascii_where_the_terminal_has_no_more() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_columns({"ab": ["1"]}, Console(file=stream, width=80))
    stream.seek(0)
    assert stream.read().splitlines()[2].strip() == "--"


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
