import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from result_documents import HOSTILE, small_document

from featrank.render import markdown_file
from featrank.render.text.visible import shown


class Cells(HTMLParser):
    """Rows of cells of every table, and the tags that were met."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data: str) -> None:
        if self.tables and self.tables[-1] and self.tables[-1][-1] and data.strip("\n"):
            self.tables[-1][-1][-1] += data


def rendered(markdown: str) -> Cells:
    cells = Cells()
    cells.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))
    return cells


def test_names_show_as_text_and_every_number_comes_back() -> None:
    document = small_document()
    page = rendered(markdown_file.render(document).decode())
    ranking, every = page.tables
    places = {name: i for i, name in enumerate(every[0])}
    named = [row[places["requested"]].replace("\u200b", "") for row in every[1:]]
    assert named == [shown(name) for name in (*HOSTILE, "resnet50")]
    assert [float(row[places["low"]]) for row in every[1:5]] == [i / 3 for i in (1, 2, 3, 4)]
    assert [row[1].replace("\u200b", "") for row in ranking[1:]] == named
    assert page.tags <= {
        "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "details", "summary",
        "sub", "strong",
    }  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_is_one_cell_and_shows_as_it_is(text: str) -> None:
    lines = markdown_file.table_lines({"name": [text], "n": ["1"]})
    (table,) = rendered("\n".join(lines)).tables
    assert len(table) == 2
    said = table[1][0].replace("\u200b", "")
    # Markdown folds spaces at the ends; so does the escape.
    assert said.strip() == shown(text).strip().replace("\u200b", "")
    assert table[1][1] == "1"


@pytest.mark.parametrize(
    "text",
    ["https://e.example", "_http://e", "www.e.example", "HTTP://e", "@someone", "a@e.example"],
)
def test_nothing_becomes_a_link(text: str) -> None:
    assert not re.search(
        r"(?i)https?:/|://|www\.|(?<!\\)@|@(?!&#8203;)", markdown_file.escape(text)
    )


@pytest.mark.parametrize(
    "text", ["- a", "+ a", "---", "12. a", "1) a", "# a", "> a", "-0.5", "1.5"]
)
def test_nothing_becomes_a_block(text: str) -> None:
    assert MarkdownIt().render(f"- {markdown_file.escape(text)}").split("\n") == [
        "<ul>", f"<li>{text.replace('>', '&gt;')}</li>", "</ul>", "",
    ]  # fmt: skip


def test_a_partial_result_says_so() -> None:
    document = small_document(partial=True)
    document["candidates"] = [*document["candidates"], "timm:to_come"]
    text = markdown_file.render(document).decode()
    assert "**Partial: 1 of 6 models to come: timm:to_come**" in text
