"""Archives in WebDataset's naming, good, damaged and hostile."""

from __future__ import annotations

import gzip
import hashlib
import json
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


def skipped(target: Target) -> dict[str, str]:
    return {item.path: item.reason for item in target.skipped}


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
    several, masks = target.all_warnings
    assert several.startswith("1 key holds several images, each of which counts: 'a.tar/1.png'")
    assert masks.startswith("2 images left out (mask of the image beside it)")


def test_a_key_that_a_dot_cuts_is_told(tmp_path: Path) -> None:
    members = {"cat_v1.0.png": PNG, "cat_v1.0.cls": b"cat"}
    with pytest.raises(InputError, match="a key ends at the first dot") as caught:
        opened(archive(tmp_path / "a.tar", **members))
    assert "'cat_v1'" in caught.value.message
    target = opened(archive(tmp_path / "a.tar", **members, **{"b.png": PNG, "b.cls": b"b"}))
    assert skipped(target) == {"a.tar/cat_v1.0.png": "no label"}
    assert any("a key ends at the first dot" in line for line in target.all_warnings)


def test_images_without_a_label(tmp_path: Path) -> None:
    members = {"a.png": PNG, "b.png": PNG, "b.json": b"[1", "c.png": PNG, "c.json": b'{"x": 1}'}
    with pytest.raises(InputError, match=r"none of the 3 images .* 2 \.json \(the JSON has x\)"):
        opened(archive(tmp_path / "a.tar", **members))
    target = opened(archive(tmp_path / "a.tar", **members, **{"d.png": PNG, "d.cls": b"d"}))
    assert skipped(target) == dict.fromkeys([f"a.tar/{name}.png" for name in "abc"], "no label")
    assert len(target.samples) == 1


def test_no_images(tmp_path: Path) -> None:
    members = {"n01.tar": b"x", "n02.tar": b"x", "a.npy": b"x"}
    with pytest.raises(InputError, match=r"holds: 2 \.tar, 1 \.npy") as caught:
        opened(archive(tmp_path / "a.tar", **members))
    assert "unpack it" in caught.value.hint
    with pytest.raises(InputError, match=r"1 skipped, first a\.tar/1\.seg\.png: mask"):
        opened(archive(tmp_path / "a.tar", **{"1.seg.png": PNG, "1.cls": b"a"}))
    with pytest.raises(InputError, match="holds: nothing"):
        opened(archive(tmp_path / "a.tar"))


class TestCaptions:
    @pytest.fixture
    def shard(self, tmp_path: Path) -> Path:
        """As img2dataset writes them."""
        members: dict[str, bytes] = {}
        for number in range(4):
            about = {"caption": f"photo {number}", "animal": ("cat", "dog")[number % 2]}
            key = f"{number:09}"
            members |= {
                f"{key}.png": PICTURES[number].data,
                f"{key}.txt": b"a cat" if number % 2 else b"a dog",
                f"{key}.json": json.dumps(about).encode(),
            }
        return archive(tmp_path / "a.tar", **members)

    def test_they_are_no_labels_unless_asked(self, shard: Path) -> None:
        with pytest.raises(InputError, match=r"4 \.json, 4 \.txt .*animal, caption") as caught:
            opened(shard)
        assert "--label-column" in caught.value.hint
        assert dict(opened(shard, label_column="txt").class_counts) == {"a cat": 2, "a dog": 2}

    def test_a_field_of_the_json_is_named(self, shard: Path) -> None:
        assert opened(shard, label_column="animal").class_names == ("cat", "dog")
        with pytest.raises(InputError, match="--label-column anmal: no image") as caught:
            opened(shard, label_column="anmal")
        assert caught.value.hint == "did you mean animal?"

    def test_a_member_of_any_kind_is_named(self, tmp_path: Path) -> None:
        members = {"1.png": PNG, "1.coarse": b"x", "1.cls": b"a", "2.png": PICTURES[1].data,
                   "2.coarse": b"y", "2.cls": b"a"}  # fmt: skip
        file = archive(tmp_path / "a.tar", **members)
        assert opened(file).class_names == ("a",)
        assert opened(file, label_column=".coarse").class_names == ("x", "y")


def test_labels_by_value(tmp_path: Path) -> None:
    values = (1, 1.0, "1", [1], True, float("nan"), None, [], " ", [1, 1])
    members: dict[str, bytes] = {}
    for number, value in enumerate(values):
        members |= {f"{number}.png": PNG, f"{number}.json": json.dumps({"label": value}).encode()}
    target = opened(archive(tmp_path / "a.tar", **members))
    assert dict(target.class_counts) == {"1": 5, "True": 1}
    assert list(skipped(target).values()) == ["no label"] * 4


def test_several_labels_an_image(tmp_path: Path) -> None:
    values = (["b", "a"], ["a"], "b")
    members: dict[str, bytes] = {}
    for number, value in enumerate(values):
        members |= {f"{number}.png": PNG, f"{number}.json": json.dumps({"label": value}).encode()}
    file = archive(tmp_path / "a.tar", **members)
    with pytest.raises(InputError, match="1 image has several labels in") as caught:
        opened(file)
    assert "--multi-label first" in caught.value.hint
    first = opened(file, multi_label="first")
    assert dict(first.class_counts) == {"a": 1, "b": 2}
    assert "the first counts" in first.all_warnings[0]
    rest = opened(file, multi_label="skip")
    assert dict(rest.class_counts) == {"a": 1, "b": 1}
    assert skipped(rest) == {"a.tar/0.png": "several labels"}


def test_members_that_come_twice(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        for name, data in (
            ("1.png", PNG), ("1.cls", b"a"), ("1.png", PICTURES[1].data), ("1.cls", b"a"),
            ("2.png", PNG), ("2.cls", b"a"), ("2.cls", b"b"),
        ):  # fmt: skip
            add_member(made, name, data)
    target = opened(tmp_path / "a.tar")
    assert [(s.path, s.digest) for s in target.samples] == [
        ("a.tar/1.png", hashlib.sha256(PICTURES[1].data).hexdigest())
    ]
    assert [item.reason for item in target.skipped] == [
        "another member of this name comes after it",
        "its .cls members tell 'a' and 'b'",
    ]


def test_folders_of_shards_that_say_something_else_are_told(tmp_path: Path) -> None:
    members = {}
    for number, split in enumerate(("train", "train", "test", "test")):
        label = b"ab"[number % 2 : number % 2 + 1]
        key = f"{split}/{number}"
        members |= {f"{key}.png": PICTURES[number].data, f"{key}.cls": label}
    file = archive(tmp_path / "a.tar", **members)
    assert "2 folders ('test', 'train')" in opened(file).all_warnings[0]
    assert len(opened(file).samples) == 4
    with pytest.raises(InputError, match="has no splits"):
        opened(file, split="test")
    agreeing = {
        name.replace("train", "a").replace("test", "b"): data for name, data in members.items()
    }
    for name in agreeing:
        if name.endswith("cls"):
            agreeing[name] = name[:1].encode()
    assert opened(archive(tmp_path / "b.tar", **agreeing)).all_warnings == ()


def test_the_systems_files_are_left_out(tmp_path: Path) -> None:
    members = {
        "1.png": PNG,
        "1.cls": b"a",
        "__MACOSX/1.png": PNG,
        "._1.png": PNG,
        "@eaDir/1.png": PNG,
    }
    target = opened(archive(tmp_path / "a.tar", **members))
    assert [sample.path for sample in target.samples] == ["a.tar/1.png"]
    assert target.all_warnings == ("2 images of system folders left out",)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b.png", "a/.."])
def test_a_member_out_of_the_archive_refuses_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="leads out of the archive"):
        opened(archive(tmp_path / "a.tar", **{"ok.png": PNG, name: b"x"}))


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        add_member(made, "a.cls", b"a")
        add_member(made, "a.png", PNG)
        for name, kind in (("l.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE),
                           ("d.png", tarfile.CHRTYPE), ("f.png", tarfile.FIFOTYPE)):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            made.addfile(member)
    target = opened(tmp_path / "a.tar")
    assert [sample.path for sample in target.samples] == ["a.tar/a.png"]
    assert skipped(target) == dict.fromkeys(
        [f"a.tar/{name}.png" for name in "ldf"], "not a regular file"
    ) | {"a.tar/h.png": "a hard link to nothing that is read"}


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
    assert "damaged from here on" in skipped(target)["c.tar"]


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
