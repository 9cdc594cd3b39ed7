from typing import Any

import pytest
from result_documents import small_document

from featrank.errors import PluginError
from featrank.render import Format
from featrank.render._files import FORMATS
from featrank.render._format import admit

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


@pytest.mark.parametrize("given", ["text", None, ValueError("bent")])
def test_a_failure_of_a_plug_in_names_it(given: Any) -> None:
    def render(document: object) -> Any:
        if isinstance(given, Exception):
            raise given
        return given

    form = admit(Format("txt", render), "texts 1.0")
    with pytest.raises(PluginError, match=r"the format 'txt' of texts 1\.0 failed: "):
        form.render(small_document())


def test_what_is_no_format() -> None:
    with pytest.raises(TypeError, match="7 is no Format"):
        admit(7, "texts 1.0")
