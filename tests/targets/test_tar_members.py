"""Members of tars: compressed ones above all, which come in order only."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from image_sets import add_member, digit_pictures

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.targets import _members
from featrank.targets._members import Member
from featrank.targets._spool import Spool
from featrank.targets._tar_members import TarMembers

PNG = digit_pictures(1)[0].data
PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def packed(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        for name, data in members.items():
            add_member(made, name, data)
    return stream.getvalue()


def walked(file: Path) -> tuple[dict[str, Member], dict[str, bytes], list[Skipped], Spool]:
    archive = TarMembers(file, file.name, [])
    spool = Spool(archive.contents)
    place = spool if archive.is_compressed else None
    pairs = list(archive.members(place, lambda name: name.endswith(".cls")))
    members = {member.name: member for member, _ in pairs}
    texts = {member.name: text for member, text in pairs if text}
    return members, texts, archive.skipped, spool


@pytest.mark.parametrize("pack", [bytes, *PACK.values()])
def test_members_texts_and_contents(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    # of whole blocks and others: reading must not have to go back
    contents = {
        "a.png": PNG + bytes(1024 - len(PNG)),
        "b": PNG,
        "c.npy": bytes(5000),
        "a.cls": b"x",
    }
    file = tmp_path / "a.tar"
    file.write_bytes(pack(packed(contents)))
    members, texts, skipped, spool = walked(file)
    assert list(members) == list(contents)
    assert texts == {"a.cls": b"x"}
    assert (members["a.png"].is_image, members["b"].is_image) == (True, True)
    assert not members["c.npy"].is_image
    archive = TarMembers(file, file.name, [])
    assert list(archive.contents()) == [contents["a.png"], PNG]
    for member in (members["a.png"], members["b"]):
        with pytest.raises(OSError, match="No such file") if archive.is_compressed else does():
            assert member.content.read() == contents[member.name]
    assert skipped == []
    assert bool(spool.spans) == archive.is_compressed


class does:
    """The opposite of raising."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_compression_that_ends_early(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    import numpy as np

    noise = np.random.default_rng(0).bytes(2_000_000)
    whole = pack(packed({"a.png": PNG, "b.png": noise, "c.png": PNG}))
    file = tmp_path / "a.tar.gz"
    file.write_bytes(whole[: len(whole) // 2])
    members, _, skipped, _ = walked(file)
    assert list(members) == ["a.png"]
    (note,) = skipped
    assert note.reason.startswith("the archive is damaged from here on: ")
    file.write_bytes(whole[:10])
    with pytest.raises(InputError, match="no tar archive"):
        walked(file)


def test_a_bomb_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_members, "_FREE_BYTES", 1 << 20)
    file = tmp_path / "a.tar.gz"
    file.write_bytes(gzip.compress(packed({"a.png": bytes(4 << 20)})))
    with pytest.raises(InputError, match="no archive of images does"):
        walked(file)


def test_a_size_that_lies_costs_no_time(tmp_path: Path) -> None:
    content = bytearray(packed({"a.png": PNG}))
    huge = b"\x80" + b"\0" * 3 + (1 << 62).to_bytes(8, "big")
    content[124:136] = huge
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    file = tmp_path / "a.tar.gz"
    file.write_bytes(gzip.compress(bytes(content)))
    started = time.monotonic()
    with pytest.raises(InputError, match="no archive of images does"):
        walked(file)
    assert time.monotonic() - started < 5


def test_hard_links(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    with tarfile.open(file, "w") as made:
        add_member(made, "./a.png", PNG)
        for name, end in (("b.png", "./a.png"), ("c.png", "gone.png")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.LNKTYPE, end
            made.addfile(info)
    members = walked(file)[0]
    assert members["b.png"].digest == members["a.png"].digest
    assert members["c.png"].problem == "a hard link to nothing that is read"
