import pytest
from result_documents import small_document

from featrank.render import Format
from featrank.render._files import FORMATS

# What a file of the format begins with, by which other programs tell it.
BEGINNINGS = {
    "csv": b"target,target_fingerprint,",
    "html": b"<!doctype html>",
    "json": b"{",
    "md": b"### featrank: ",
    "parquet": b"PAR1",
}


@pytest.mark.parametrize("form", list(FORMATS), ids=lambda form: form.name)
def test_a_format_is_its_suffix_and_what_its_files_begin_with(form: Format) -> None:
    assert form.suffix == f".{form.name}"
    content = form.render(small_document())
    assert content.lower().startswith(BEGINNINGS[form.name].lower())
    if form.prints:
        # What follows on a terminal starts on a line of its own.
        assert content.decode().endswith("\n")


def test_a_format_prints_unless_it_says_otherwise() -> None:
    assert Format("txt", lambda document: b"").prints
