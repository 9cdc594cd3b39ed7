from __future__ import annotations

import json
from pathlib import Path

import pytest

from featrank.targets import _plugin_formats
from featrank.targets._members import Member
from featrank.targets._spans import Span
from featrank.targets._webdataset import WebDataset

CONTENT = Span(Path("a.tar"), 0, 1)


def collect(label_column: str | None = None, **members: object) -> WebDataset:
    found = WebDataset(label_column)
    for number, (name, text) in enumerate(members.items()):
        data = text if isinstance(text, bytes) else json.dumps(text).encode()
        member = Member(name, content=CONTENT, digest=f"{number}")
        found.add("s", member, data if found.wants_text(name) else b"")
    return found


def labels(found: WebDataset) -> dict[str, str]:
    return {sample.path: sample.class_name for sample in found.samples()}


def test_keys_end_at_the_first_dot_of_the_base_name() -> None:
    found = collect(
        **{"a.b/1.x.JPG": b"", "a.b/1.cls": b"cat", "1.jpg": b"", "1.json": {"label": 3}}
    )
    assert labels(found) == {"s/a.b/1.x.JPG": "cat", "s/1.jpg": "3"}


def test_the_class_member_is_believed_before_the_document() -> None:
    found = collect(**{"1.jpg": b"", "1.json": {"label": "dog"}, "1.cls": b"cat"})
    assert labels(found) == {"s/1.jpg": "cat"}
    found = collect("label", **{"1.jpg": b"", "1.json": {"label": "dog"}, "1.cls": b"cat"})
    assert labels(found) == {"s/1.jpg": "dog"}


def test_a_text_is_wanted_only_where_it_is_asked_for() -> None:
    assert not WebDataset().wants_text("1.txt")
    assert WebDataset("txt").wants_text("1.TXT")
    assert not WebDataset("txt").wants_text("1.cls.txt")
    assert collect(**{"1.jpg": b"", "1.txt": b"cat"}).is_labelled is False
    assert labels(collect("txt", **{"1.jpg": b"", "1.txt": b"cat\n"})) == {"s/1.jpg": "cat"}


def test_a_document_that_is_a_bare_value() -> None:
    assert labels(collect(**{"1.jpg": b"", "1.json": 7, "2.jpg": b"", "2.json": b"{"})) == {
        "s/1.jpg": "7"
    }


def test_what_lies_beside_is_counted() -> None:
    found = collect(**{"1.jpg": b"", "1.txt": b"", "1.npy": b"", "1.json": {"url": 1, "w": 2}})
    assert dict(found.kinds) == {"txt": 1, "npy": 1, "json": 1}
    assert sorted(found.fields) == ["url", "w"]
    assert found.n_images == 1
    assert not found.has_folders
    assert collect(**{"cat/1.jpg": b""}).has_folders


def test_images_of_kinds_that_are_not_read_are_counted() -> None:
    found = collect(**{"1.svg": b"", "1.cls": b"a", "2.nii.gz": b"", "3.jpg": b"", "3.cls": b"a"})
    assert [(item.path, item.reason.split()[0]) for item in found.skipped] == [
        ("s/1.svg", "SVG"), ("s/2.nii.gz", "NIfTI")
    ]  # fmt: skip
    assert labels(found) == {"s/3.jpg": "a"}


def test_members_that_cannot_be_used_have_their_reason() -> None:
    found = WebDataset()
    found.add("s", Member("1.png", problem="the archive ends inside it"), b"")
    found.add("s", Member("1.mask.png", content=CONTENT), b"")
    found.add("s", Member("folder.png", is_folder=True), b"")
    assert [item.reason for item in found.skipped] == [
        "the archive ends inside it", "mask of the image beside it"
    ]  # fmt: skip


def test_images_that_a_plugin_reads_are_images_and_without_it_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    members = {"1.heic": b"", "1.cls": b"cat", "2.nef": b"", "2.cls": b"dog"}
    found = collect(**members)
    assert labels(found) == {"s/1.heic": "cat"}
    monkeypatch.setattr(_plugin_formats, "_is_there", lambda plugin: False)
    reasons = {item.path: item.reason for item in collect(**members).skipped}
    assert "pip install 'featrank[heif]'" in reasons["s/1.heic"]
    assert reasons["s/2.nef"].startswith("camera raw is not read")
