"""Archives in WebDataset's naming, good, damaged and hostile."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import pytest
from image_sets import add_member, digit_pictures, write_tar

from featrank.errors import IncompleteError, InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.tar_shards import TARGET

PICTURES = digit_pictures(30)
PNG = PICTURES[0].data


def opened(place: Path, **access: object) -> Target:
    return TARGET.open(str(place), Access(FileHashes(), **access))


def archive(file: Path, **members: bytes) -> Path:
    with tarfile.open(file, "w") as made:
        for name, data in members.items():
            add_member(made, name, data)
    return file


def labelled(file: Path, members: dict[str, bytes]) -> dict[str, str]:
    return {s.path: s.class_name for s in opened(archive(file, **members)).samples}


def test_every_kind_of_label(tmp_path: Path) -> None:
    target = opened(write_tar(tmp_path, PICTURES))
    assert dict(target.class_counts) == dict.fromkeys(map(str, range(10)), 3)
    assert target.skipped == ()
    assert all(target.read(sample).size == (8, 8) for sample in target.samples)


def test_keys(tmp_path: Path) -> None:
    """A key ends at the first dot of the name and holds its folder."""
    found = labelled(
        tmp_path / "a.tar",
        {
            "x/1.cls": b"cat\n", "x/1.seg.png": PNG, "x/1.JPG": PNG, "y/1.png": PNG,
            "y/1.txt": b"a caption", "y/1.cls": b"dog", "z.json": b'{"class": 7}', "z.png": PNG,
            "z.npy": b"no matter", ".hidden.png": PNG,
        },
    )  # fmt: skip
    assert found == {
        "a.tar/x/1.JPG": "cat", "a.tar/y/1.png": "dog",
        "a.tar/z.png": "7",
    }  # fmt: skip


def test_masks_are_no_images_of_their_own(tmp_path: Path) -> None:
    members = {"1.png": PNG, "1.seg.png": PNG, "1.mask.png": PNG, "1.left.png": PNG, "1.cls": b"a"}
    target = opened(archive(tmp_path / "a.tar", **members))
    assert [sample.path for sample in target.samples] == ["a.tar/1.left.png", "a.tar/1.png"]
    assert {item.path for item in target.skipped} == {"a.tar/1.seg.png", "a.tar/1.mask.png"}
    warning = target.all_warnings[0]
    assert warning.startswith("2 images left out (mask of the image beside it)")


def test_a_key_that_a_dot_cuts_is_told(tmp_path: Path) -> None:
    members = {"cat_v1.0.png": PNG, "cat_v1.0.cls": b"cat"}
    target = opened(archive(tmp_path / "a.tar", **members))
    reason = "no label: keys end at the first dot, which makes this one 'cat_v1'"
    assert [item.reason for item in target.skipped] == [reason]


def test_images_without_a_label(tmp_path: Path) -> None:
    members = {"a.png": PNG, "b.png": PNG, "b.json": b"[1", "c.png": PNG, "c.json": b'{"x": 1}'}
    target = opened(archive(tmp_path / "a.tar", **members))
    assert target.samples == ()
    assert {item.reason for item in target.skipped} == {"no .cls, .json or .txt tells its label"}


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b.png", "a/.."])
def test_a_member_out_of_the_archive_refuses_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="leads out of the archive"):
        opened(archive(tmp_path / "a.tar", **{"ok.png": PNG, name: b"x"}))


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        for name, kind in (("l.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE),
                           ("d.png", tarfile.CHRTYPE), ("f.png", tarfile.FIFOTYPE)):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            made.addfile(member)
    target = opened(tmp_path / "a.tar")
    assert target.samples == ()
    assert {item.reason for item in target.skipped} == {"not a regular file"}


def test_an_archive_that_ends_early(tmp_path: Path) -> None:
    whole = archive(
        tmp_path / "a.tar", **{"a.cls": b"x", "a.png": PNG, "b.cls": b"y", "b.png": PNG}
    )
    content = whole.read_bytes()
    (tmp_path / "b.tar").write_bytes(content[: 512 * 7 + 40])  # inside b.png
    target = opened(tmp_path / "b.tar")
    assert [sample.path for sample in target.samples] == ["b.tar/a.png"]
    assert target.skipped[0].reason
    damaged = bytearray(content)
    damaged[512 * 4 : 512 * 5] = b"\xff" * 512
    (tmp_path / "c.tar").write_bytes(damaged)
    target = opened(tmp_path / "c.tar")
    assert [sample.path for sample in target.samples] == ["c.tar/a.png"]


@pytest.mark.parametrize("content", [b"", b"not a tar" * 100, gzip.compress(b"x" * 2000, mtime=0)])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(InputError, match="no tar archive"):
        opened(tmp_path / "a.tar")


def test_shards_of_one_name_and_splits(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        archive(tmp_path / folder / "train-0.tar", **{"1.png": PNG, "1.cls": folder.encode()})
        archive(tmp_path / folder / "val-0.tar", **{"2.png": PNG, "2.cls": folder.encode()})
    target = opened(Path(str(tmp_path / "{x,y}" / "*.tar")))
    assert target.split == "train"
    assert len({sample.path for sample in target.samples}) == 2
    assert opened(Path(str(tmp_path / "{x,y}" / "*.tar")), split="val").split == "val"


def test_a_changed_archive_is_noticed(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.tar", **{"1.png": PNG, "1.cls": b"a"})
    target = opened(file)
    archive(file, **{"1.png": PICTURES[1].data, "1.cls": b"a"})
    with pytest.raises(IncompleteError, match="changed"):
        target.read(target.samples[0])
    file.unlink()
    with pytest.raises(IncompleteError, match="No such file"):
        target.read(target.samples[0])


def header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """A header with any size field, and a right checksum."""
    block = bytearray(512)
    block[: len(name)] = name.encode()
    block[100:108], block[124:136], block[148:156] = b"0000644\0", size, b" " * 8
    block[156:157], block[257:265] = kind, b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def octal(size: int) -> bytes:
    return b"%011o\0" % size


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 512)


def pax(entry: bytes) -> bytes:
    return header("pax", octal(len(entry)), b"x") + padded(entry)


HUGE = b"\x80" + b"\0" * 3 + (20 * 2**30).to_bytes(8, "big")
LYING = {
    "a negative size": header("z.png", b"\xff" * 10 + b"\xfc\0"),
    "a negative size of what is not read": header("z.bin", b"\xff" * 10 + b"\xfa\0"),
    "a negative size in an extended header": pax(b"14 size=-1024\n") + header("z.png", octal(0)),
    "a size back to the start": pax(b"15 size=-10240\n") + header("z.png", octal(0)),
    "no number where one belongs": pax(b"25 GNU.sparse.map=0,x,5\n") + header("z.png", octal(512)),
    "a long header": header("pax", octal(100_000), b"x") + padded(b"1" * 100_000),
    "a header longer than memory": header("pax", HUGE, b"x"),
    "a name longer than memory": header("name", HUGE, b"L"),
    "headers of headers": pax(b"6 a=b\n") * 2000,
}


@pytest.mark.parametrize("lie", LYING.values(), ids=LYING)
def test_headers_that_lie_end_the_archive(tmp_path: Path, lie: bytes) -> None:
    shard = archive(tmp_path / "a.tar", **{"a.png": PNG, "a.cls": b"cat"})
    with tarfile.open(shard) as made:
        stop = sum(512 + len(padded(bytes(member.size))) for member in made)
    whole = shard.read_bytes()[:stop]
    shard.write_bytes(whole + lie + b"\0" * 1024)
    target = opened(shard)
    assert [sample.path for sample in target.samples] == ["a.tar/a.png"]
    assert "damaged from here on" in target.skipped[0].reason
    shard.write_bytes(lie + whole + b"\0" * 1024)
    with pytest.raises(InputError, match="no tar archive"):
        opened(shard)
