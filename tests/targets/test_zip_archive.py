"""Zip archives: honest, odd, damaged and hostile."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path

import pytest
from image_sets import digit_pictures, write_folder, write_zip_of_folders

from featrank.errors import IncompleteError, InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.image_folder import TARGET as FOLDER
from featrank.targets.zip_archive import TARGET

PICTURES = digit_pictures(30)
PNG = PICTURES[0].data
BOTH = {"cat/1.png": PNG, "dog/1.png": PICTURES[1].data}


def opened(place: Path, **access: object) -> Target:
    return TARGET.open(str(place), Access(FileHashes(), **access))


def archive(file: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(file, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return file


def skipped(target: Target) -> dict[str, str]:
    return {item.path: item.reason for item in target.skipped}


def test_it_is_accepted_by_its_suffix(tmp_path: Path) -> None:
    assert TARGET.accepts("a/B.ZIP")
    (tmp_path / "x.zip").mkdir()
    assert not TARGET.accepts(str(tmp_path / "x.zip"))


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_method_gives_the_folder(tmp_path: Path, method: int) -> None:
    folder = write_folder(tmp_path / "files", PICTURES)
    members = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.png")}
    target = opened(archive(tmp_path / "a.zip", members, method))
    reference = FOLDER.open(str(folder), Access(FileHashes()))
    assert target.samples == reference.samples
    read = pickle.loads(pickle.dumps(target.read))
    assert [read(s).tobytes() for s in target.samples] == [
        reference.read(s).tobytes() for s in reference.samples
    ]


def test_an_archive_of_the_extended_format(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        for name, data in BOTH.items():
            with made.open(name, "w", force_zip64=True) as stream:
                stream.write(data)
    assert len(opened(tmp_path / "a.zip").samples) == 2


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "a/../../x.png", "..\\x.png", "C:\\x"])
def test_names_that_lead_out_refuse_it(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        for member, data in BOTH.items():
            made.writestr(member, data)
        info = zipfile.ZipInfo(name)
        info.create_system = 0
        made.writestr(info, PNG)
    with pytest.raises(InputError, match="leads out of the archive"):
        opened(tmp_path / "a.zip")


def test_names_as_other_systems_write_them(tmp_path: Path) -> None:
    class Raw(zipfile.ZipInfo):
        """Names that are not marked as UTF-8, whatever they are."""

        def _encodeFilenameFlags(self) -> tuple[bytes, int]:
            return self.comment, 0

    names = {0: [b"cat\\1.png", b"caf\x82/1.png"], 3: ["ñu/1.png".encode(), b"caf\xe9/1.png"]}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        number = 0
        for system, raws in names.items():
            for raw in raws:
                info = Raw(f"{number}")
                info.create_system, info.comment = system, raw
                made.writestr(info, PICTURES[number].data)
                number += 1
    assert opened(tmp_path / "a.zip").class_names == ("caf\\xe9", "café", "cat", "ñu")


def test_encrypted_members(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.zip", {**BOTH, "dog/2.png": PNG})
    content = bytearray(file.read_bytes())
    central = content.rindex(b"PK\x01\x02")
    content[central + 8] |= 1
    file.write_bytes(content)
    reason = "encrypted: unpack the archive with its password"
    assert skipped(opened(file)) == {"dog/2.png": reason}
    position = -1
    while (position := content.find(b"PK\x01\x02", position + 1)) >= 0:
        content[position + 8] |= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"all 3 members of .* are encrypted"):
        opened(file)


def test_a_method_that_is_not_read(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.zip", {**BOTH, "dog/2.png": PNG})
    content = bytearray(file.read_bytes())
    central = content.rindex(b"PK\x01\x02")
    content[central + 10 : central + 12] = struct.pack("<H", 9)
    file.write_bytes(content)
    reason = "compressed by deflate64, which is not read: unpack the archive"
    assert skipped(opened(file)) == {"dog/2.png": reason}


def test_a_member_that_is_damaged(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.zip", {**BOTH, "dog/2.png": PICTURES[2].data})
    content = file.read_bytes()
    at = content.index(PICTURES[2].data)
    file.write_bytes(content[: at + 40] + b"\xff" + content[at + 41 :])
    target = opened(file)
    assert len(target.samples) == 2
    assert "cannot be read: damaged (Bad CRC-32" in skipped(target)["dog/2.png"]


@pytest.mark.parametrize("content", [b"", b"no zip" * 50, b"PK\x03\x04" + bytes(40)])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"no \.zip archive"):
        opened(tmp_path / "a.zip")


def test_one_that_ends_early_or_is_not_there(tmp_path: Path) -> None:
    whole = write_zip_of_folders(tmp_path, PICTURES).read_bytes()
    (tmp_path / "b.zip").write_bytes(whole[:-200])
    with pytest.raises(InputError, match=r"no \.zip archive"):
        opened(tmp_path / "b.zip")
    with pytest.raises(InputError, match="No such file"):
        opened(tmp_path / "c.zip")


def test_sizes_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    def claimed(size: int) -> Path:
        file = archive(tmp_path / "a.zip", {**BOTH, "dog/2.png": PNG})
        content = bytearray(file.read_bytes())
        central = content.rindex(b"PK\x01\x02")
        content[central + 24 : central + 28] = struct.pack("<I", size)
        file.write_bytes(content)
        return file

    assert skipped(opened(claimed(600_000_000))) == {"dog/2.png": "oversized: 600,000,000 bytes"}
    with pytest.raises(InputError, match="no archive of images does"):
        opened(claimed(3_000_000_000))


def test_a_changed_archive_is_noticed(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.zip", BOTH)
    target = opened(file)
    archive(file, dict.fromkeys(BOTH, PICTURES[5].data))
    opened(file)  # whatever else is read meanwhile
    with pytest.raises(IncompleteError, match=r"changed|cannot read"):
        target.read(target.samples[0])
