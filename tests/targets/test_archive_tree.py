"""An archive of a folder is that folder: the oddities of folders, packed in every way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets._archive_tree import open_as_folder
from featrank.targets._members import Member
from featrank.targets._spans import Span
from featrank.targets.image_folder import TARGET as FOLDER
from featrank.targets.tar_shards import TARGET as TAR
from featrank.targets.zip_archive import TARGET as ZIP


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(values).save(path, "PNG")


def fill(root: Path, seed: int = 0) -> Path:
    for number, name in enumerate(("cat", "dog")):
        for index in range(3):
            draw(root / name / f"{index}.png", seed + 100 * number + index)
    return root


def tarred(kind: str) -> Callable[[Path], Path]:
    def pack(root: Path) -> Path:
        file = root.with_suffix(f".tar.{kind}" if kind else ".tar")
        with tarfile.open(file, f"w:{kind}") as archive:
            archive.add(root, ".")
        return file

    return pack


class UnixInfo(zipfile.ZipInfo):
    """With a name in the bytes that the file system has."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return os.fsencode(self.filename), self.flag_bits


def zipped(root: Path) -> Path:
    """As Info-ZIP does with --symlinks."""
    file = root.with_suffix(".zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_symlink():
                info = UnixInfo(name)
                info.external_attr = 0o120777 << 16
                archive.writestr(info, str(path.readlink()))
            elif path.is_dir():
                archive.writestr(UnixInfo(f"{name}/"), b"")
            else:
                archive.writestr(UnixInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return file


PACKERS = {"tar": tarred(""), "gz": tarred("gz"), "bz2": tarred("bz2"), "xz": tarred("xz"),
           "zip": zipped}  # fmt: skip


def opened(place: Path, **access: object) -> Target:
    kind = next((kind for kind in (TAR, ZIP) if kind.accepts(str(place))), FOLDER)
    return kind.open(str(place), Access(FileHashes(), **access))


def bare(root: Path) -> None:
    """Nothing more than class folders."""


def splits(root: Path) -> None:
    for number, split in enumerate(("Training", "Testing")):
        fill(root / split, seed=1000 * (number + 1))
    shutil.rmtree(root / "cat")
    shutil.rmtree(root / "dog")


def a_folder_too_many(root: Path) -> None:
    (root / "archive").mkdir()
    for name in ("cat", "dog"):
        (root / name).rename(root / "archive" / name)


def system_folders(root: Path) -> None:
    draw(root / "__MACOSX" / "cat" / "0.png", 7)
    draw(root / "cat" / "@eaDir" / "0.png" / "thumb.jpg", 8)
    draw(root / "cat" / ".hidden.png", 9)
    draw(root / ".cache" / "1.png", 10)
    (root / "cat" / "Thumbs.db").write_bytes(b"x")


def unlabelled(root: Path) -> None:
    draw(root / "_unlabeled" / "0.png", 11)


def masks(root: Path) -> None:
    draw(root / "cat" / "0_mask.png", 12)


def odd_suffixes(root: Path) -> None:
    (root / "cat" / "0.png").rename(root / "cat" / "0")
    (root / "cat" / "1.png").rename(root / "cat" / "1.png?w=640")
    (root / "dog" / "notes").write_text("no image")
    (root / "dog" / "1.NEF").write_bytes(b"x")
    (root / "dog" / "2.svg").write_bytes(b"x")


def pointers(root: Path) -> None:
    (root / "dog" / "9.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\nsize 4\n")
    (root / "dog" / "8.png").write_bytes(b"")


def loose_and_deep(root: Path) -> None:
    draw(root / "loose.png", 13)
    draw(root / "cat" / "big" / "lion" / "1.png", 14)


def names(root: Path) -> None:
    for number, name in enumerate(("new\nline", 'quo"te', "ñandú", "日本", "-x", "a b")):
        draw(root / name / "1.png", 20 + number)


def names_that_are_not_utf8(root: Path) -> None:
    draw(root / os.fsdecode(b"caf\xe9") / os.fsdecode(b"\xff.png"), 30)


def links_inside(root: Path) -> None:
    draw(root / ".store" / "object", 40)
    draw(root / ".pool" / "cow" / "1.png", 41)
    (root / "cat" / "9.png").symlink_to("../.store/object")
    (root / "cow").symlink_to(".pool/cow")
    (root / "cat" / "up").symlink_to("..")
    (root / "dog" / "nowhere.png").symlink_to("gone.png")


def domains(root: Path) -> None:
    for name in ("cat", "dog"):
        shutil.rmtree(root / name)
    for number, domain in enumerate(("art", "photo")):
        fill(root / domain, seed=500 * (number + 1))


def empty_class(root: Path) -> None:
    (root / "cow").mkdir()
    (root / "cow" / "1.txt").write_text("x")
    (root / "elk").mkdir()


ODDITIES = (
    bare, splits, a_folder_too_many, system_folders, unlabelled, masks, odd_suffixes, pointers,
    loose_and_deep, names, names_that_are_not_utf8, links_inside, domains, empty_class,
)  # fmt: skip


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.__name__)
def test_it_is_read_as_the_folder(
    tmp_path: Path, oddity: Callable[[Path], None], packer: Callable[[Path], Path]
) -> None:
    root = fill(tmp_path / "set")
    try:
        oddity(root)
    except OSError:
        pytest.skip("this file system has no such names")
    folder, archive = opened(root), opened(packer(root))
    assert archive.samples == folder.samples
    assert archive.fingerprint == folder.fingerprint
    assert (archive.split, archive.splits) == (folder.split, folder.splits)
    assert set(archive.skipped) == set(folder.skipped)
    assert archive.all_warnings == folder.all_warnings
    archive.prepare(archive.samples)
    for sample in (s for s in archive.samples if s.path != "dog/9.png" and s.path != "dog/8.png"):
        assert archive.read(sample).tobytes() == folder.read(sample).tobytes()


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_flags_mean_the_same(tmp_path: Path, packer: Callable[[Path], Path]) -> None:
    root = tmp_path / "set"
    for split in ("train", "test"):
        for number, domain in enumerate(("art", "photo")):
            fill(root / split / domain, seed=500 * number + len(split))
    archive = packer(root)
    for flags in ({"split": "test"}, {"class_depth": 2}, {"layout": "classes"}):
        assert opened(archive, **flags).samples == opened(root, **flags).samples
    with pytest.raises(InputError, match="no split 'dev'"):
        opened(archive, split="dev")


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_refusals_are_the_same(tmp_path: Path, packer: Callable[[Path], Path]) -> None:
    root = fill(tmp_path / "set")
    draw(root / "train" / "steam" / "1.png", 50)
    archive = packer(root)
    with pytest.raises(InputError) as of_folder:
        opened(root)
    with pytest.raises(InputError) as of_archive:
        opened(archive)
    assert of_archive.value.hint == of_folder.value.hint
    assert of_archive.value.message == of_folder.value.message.replace(str(root), str(archive))


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("end", ["/etc", "../../outside"])
def test_links_out_are_never_followed(
    tmp_path: Path, packer: Callable[[Path], Path], end: str
) -> None:
    root = fill(tmp_path / "set")
    draw(tmp_path / "outside" / "secret.png", 60)
    (root / "cat" / "more").symlink_to(end)
    (root / "cat" / "5.png").symlink_to(f"{end}/secret.png")
    target = opened(packer(root), follow_links=True)
    assert len(target.samples) == 6
    reasons = {item.path: item.reason for item in target.skipped}
    assert reasons == dict.fromkeys(["cat/5.png", "cat/more"], "link out of the archive")


@pytest.mark.parametrize("name", ["train.csv", "deep/labels.json", "n01440764.tar"])
def test_what_else_it_holds_is_named_where_it_is_refused(tmp_path: Path, name: str) -> None:
    root = tmp_path / "set"
    draw(root / "images" / "1.png", 1)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"x")
    with pytest.raises(InputError, match="only one class") as caught:
        opened(zipped(root))
    assert f"unpack it, and name '{name}' in it" in caught.value.hint


def member(path: Path, name: str, **more: str) -> Member:
    return Member(name, content=Span(path, 0, path.stat().st_size), **more)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    root = fill(tmp_path / "set")
    aim = tmp_path / "aim"
    aim.mkdir()
    members = [Member("out", link=str(aim)), Member("cat", link="dog")]
    members += [member(p, p.relative_to(root).as_posix()) for p in sorted(root.rglob("*.png"))]
    members += [member(root / "cat" / "0.png", "out/x.png")]
    target = open_as_folder("a.zip", members, Access(FileHashes()))
    assert list(aim.iterdir()) == []
    assert dict(target.class_counts) == {"cat": 3, "dog": 3, "out": 1}


def test_names_that_come_twice_or_cannot_be(tmp_path: Path) -> None:
    root = fill(tmp_path / "set")
    other = tmp_path / "other.png"
    draw(other, 70)
    members = [member(p, p.relative_to(root).as_posix()) for p in sorted(root.rglob("*.png"))]
    long = f"cat/{'x' * 300}.png"
    members += [
        member(other, "cat/0.png"), member(other, "dog/0.png/1.png"), member(other, long),
        member(other, "dog/bad.png", problem="encrypted"),
    ]  # fmt: skip
    target = open_as_folder("a.zip", members, Access(FileHashes()))
    reasons = {item.path: item.reason for item in target.skipped}
    assert len(target.samples) == 6
    assert reasons["cat/0.png"] == "another member of this name comes after it"
    assert reasons["dog/0.png/1.png"] == "a folder of the archive and a file have its name"
    assert reasons[long] == "no file can have this name: File name too long"
    assert reasons["dog/bad.png"] == "encrypted"
    digests = {sample.path: sample.digest for sample in target.samples}
    assert digests["cat/0.png"] == FileHashes().get(other)


def test_the_program_that_everybody_unpacks_with_agrees(tmp_path: Path) -> None:
    """GNU tar's own archive, hard links among its members."""
    root = fill(tmp_path / "set")
    os.link(root / "cat" / "0.png", root / "cat" / "same.png")
    for flag, suffix in (("-cf", "tar"), ("-czf", "tgz")):
        file = tmp_path / f"a.{suffix}"
        subprocess.run(["tar", flag, file, "-C", tmp_path, "set"], check=True)
        assert opened(file).fingerprint == opened(root).fingerprint


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tarred("gz")(fill(tmp_path / "set"))
    code = (
        "import sys; from featrank.targets import open_target\n"
        "from featrank.config import Selection\n"
        "from featrank.storage.file_hashes import FileHashes\n"
        "t = open_target(sys.argv[1], Selection(), FileHashes()); t.prepare(t.samples)\n"
        "print(t.read(t.samples[0]).size)"
    )
    place = tmp_path / "tmp"
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False,
        env={**os.environ, "TMPDIR": str(place)},
    )  # fmt: skip
    assert done.stdout == "(4, 4)\n", done.stderr
    assert list(place.iterdir()) == []
