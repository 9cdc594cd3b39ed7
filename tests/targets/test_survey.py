"""One law for a whole target: which range its images are read by, and what is said of it."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pixel_files import bare_tiff, eighths, png, tiff

from featrank.config import Listing, Selection
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Sample, Target, open_target
from featrank.targets import _survey as survey
from featrank.targets._kept_choices import recall_choice
from featrank.targets._survey import is_plain

RANDOM = np.random.default_rng(0)
CLASSES = ("dark", "light")
Values = dict[str, np.ndarray]


def opened(root: Path, value_range: str = "auto", selection: Selection | None = None) -> Target:
    listing = Listing(value_range=value_range)
    return open_target(str(root), selection or Selection(), FileHashes(), listing)


def grey(high: int, low: int = 0) -> np.ndarray:
    values = RANDOM.integers(low, high + 1, (8, 9), dtype=np.int64)
    values[0, :2] = low, high
    return values


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def shown(target: Target) -> dict[str, np.ndarray]:
    return {sample.path: np.asarray(target.read(sample)) for sample in target.samples}


def dark_and_light(bits: int, encode: Callable[[np.ndarray], bytes]) -> tuple[Values, dict]:
    """The dark half of a set needs two bits less than the whole."""
    values = {
        "dark/1.x": grey(2 ** (bits - 2) - 1).astype(np.uint16),
        "light/1.x": grey(2**bits - 1).astype(np.uint16),
    }
    return values, {name: encode(item) for name, item in values.items()}


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize(
    "encode",
    [
        png,
        lambda values: tiff(values, photometric="minisblack"),
        lambda values: png(np.stack([values] * 3, axis=-1)),
        lambda values: tiff(np.stack([values] * 3, axis=-1), photometric="rgb"),
        lambda values: tiff(values.astype(np.uint32), photometric="minisblack"),
    ],
    ids=["png", "tiff", "rgb png", "rgb tiff", "32 bits"],
)
def test_one_choice_for_the_whole_set(
    tmp_path: Path, bits: int, encode: Callable[[np.ndarray], bytes]
) -> None:
    values, files = dark_and_light(bits, encode)
    target = opened(write(tmp_path, files))
    pictures = shown(target)
    for name, item in values.items():
        assert np.array_equal(pictures[name], eighths(item, 2**bits - 1))
    assert target.decoding == f"integer=0:{2**bits - 1}"
    (said,) = target.warnings
    assert said.startswith(f"2 images of more than 8 bits read from 0 (black) to {2**bits - 1}")


def test_a_subset_is_read_as_the_whole(tmp_path: Path) -> None:
    _, files = dark_and_light(12, png)
    files |= {"dark/2.x": png(grey(9).astype(np.uint16)), "light/2.x": png(grey(9).astype("u2"))}
    half = opened(write(tmp_path, files), selection=Selection(limit_per_class=1, seed=3))
    assert len(half.samples) == 2
    assert half.decoding == "integer=0:4095"


def test_sets_that_were_read_rightly_are_read_as_before(tmp_path: Path) -> None:
    whole = {"dark/1.x": grey(9).astype(np.uint16), "light/1.x": grey(65_535).astype(np.uint16)}
    files = {name: png(item) for name, item in whole.items()}
    eight = np.array([[3, 200]], dtype=np.uint8)
    files |= {"dark/2.x": png(eight), "light/3.x": png(np.stack([whole["light/1.x"]] * 3, -1))}
    target = opened(write(tmp_path, files))
    assert (target.decoding, target.warnings) == ("", ())
    pictures = shown(target)
    for name, item in whole.items():
        assert np.array_equal(pictures[name], eighths(item, 65_535))
    assert np.array_equal(pictures["dark/2.x"], eighths(eight, 255))
    assert np.array_equal(pictures["light/3.x"][..., 0], whole["light/1.x"] >> 8)


def test_values_beyond_14_bits_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        f"{name}/{i}.x": png(grey(65_535).astype(np.uint16)) for name in CLASSES for i in range(9)
    }
    looked: list[object] = []
    monkeypatch.setattr(survey, "_AT_ONCE", 2)
    real = survey.read_values
    monkeypatch.setattr(survey, "read_values", lambda *a: (looked.append(a), real(*a))[1])
    opened(write(tmp_path, files))
    assert len(looked) == 2


@pytest.mark.parametrize("extra", [b"\x0c", b"\x0c\x0c\x0c"])
def test_significant_bits(tmp_path: Path, extra: bytes) -> None:
    dark = grey(300).astype(np.uint16)
    values = np.stack([dark] * 3, axis=-1) if len(extra) == 3 else dark
    target = opened(write(tmp_path, {f"{name}/1.x": png(values, extra) for name in CLASSES}))
    assert np.array_equal(shown(target)["dark/1.x"], eighths(dark, 4095))
    assert "as sBIT 12 declares" in target.warnings[0]


def test_significant_bits_as_the_specification_has_them(tmp_path: Path) -> None:
    """There the values are scaled to 16 bits."""
    scaled = (grey(4095) << 4).astype(np.uint16)
    target = opened(write(tmp_path, {f"{name}/1.x": png(scaled, b"\x0c") for name in CLASSES}))
    assert np.array_equal(shown(target)["dark/1.x"], eighths(scaled, 65_535))
    assert target.decoding == ""


@pytest.mark.parametrize("tag", [281, 341])
def test_a_declared_maximum(tmp_path: Path, tag: int) -> None:
    values = grey(900).astype(np.uint16)
    data = tiff(values, photometric="minisblack", extratags=[(tag, 3, 1, 4095, True)])
    target = opened(write(tmp_path, {f"{name}/1.x": data for name in CLASSES}))
    assert np.array_equal(shown(target)["dark/1.x"], eighths(values, 4095))


def test_a_declared_maximum_that_is_a_lie(tmp_path: Path) -> None:
    values = grey(4000).astype(np.uint16)
    data = tiff(values, photometric="minisblack", extratags=[(281, 3, 1, 255, True)])
    target = opened(write(tmp_path, {f"{name}/1.x": data for name in CLASSES}))
    assert np.array_equal(shown(target)["dark/1.x"], eighths(values, 4095))


def test_declared_ranges_are_joined(tmp_path: Path) -> None:
    values = np.array([[-5.0, 0.0, 20.0]], dtype=np.float32)

    def declaring(low: float, high: float) -> bytes:
        tags = [(340, 11, 1, low, True), (341, 11, 1, high, True)]
        return tiff(values, photometric="minisblack", extratags=tags)

    files = {"dark/1.x": declaring(-5, 10), "light/1.x": declaring(0, 20)}
    target = opened(write(tmp_path, files))
    assert shown(target)["dark/1.x"][0, :, 0].tolist() == [0, 51, 255]
    assert target.decoding == "declared=-5:20"


def floats(high: float) -> bytes:
    values = np.linspace(0, high, 12, dtype=np.float32).reshape(3, 4)
    return tiff(values, photometric="minisblack")


def test_floats_of_shares(tmp_path: Path) -> None:
    target = opened(write(tmp_path, {"dark/1.x": floats(0.3), "light/1.x": floats(1.0)}))
    assert shown(target)["dark/1.x"].max() == 77
    assert target.decoding == "float=0:1"


def few_that_are_refused(tmp_path: Path, data: bytes) -> Target:
    usual = {f"{name}/{i}.x": png(grey(255).astype(np.uint8)) for name in CLASSES for i in range(3)}
    return opened(write(tmp_path, usual | {"dark/odd.x": data}))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (floats(7.5), "floats from 0 to 7.5, and nothing declares which is white"),
        (tiff(grey(900, -9).astype(np.int16), photometric="minisblack"), "integers from -9 to 900"),
        (tiff(grey(70_000).astype(np.int32), photometric="minisblack"), "integers from 0 to 70000"),
    ],
)
def test_without_a_range_it_is_skipped_with_what_to_type(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    target = few_that_are_refused(tmp_path, data)
    (skipped,) = target.skipped
    assert skipped.path == "dark/odd.x"
    assert skipped.reason.startswith(reason)
    assert len(target.samples) == 6
    given = skipped.reason.rpartition("--value-range=")[2]
    mended = opened(tmp_path, given)
    assert not mended.skipped
    picture = shown(mended)["dark/odd.x"]
    assert (picture.min(), picture.max()) == (0, 255)


def test_by_hand(tmp_path: Path) -> None:
    values, files = dark_and_light(10, png)
    root = write(tmp_path, files)
    for given, high in (("8", 255), ("12", 4095), ("16", 65_535), ("0:2000", 2000)):
        target = opened(root, given)
        expected = eighths(values["light/1.x"].clip(0, high), high)
        assert np.array_equal(shown(target)["light/1.x"], expected)
        assert "as asked for" in target.warnings[0]
    assert opened(root, "16").decoding == ""


def test_white_is_zero_and_bands_without_alpha_are_in_the_key(tmp_path: Path) -> None:
    deep = tiff(grey(65_535).astype(np.uint16), photometric="miniswhite")
    bands = bare_tiff(RANDOM.integers(0, 256, (4, 5, 4), dtype=np.uint8), 2)
    target = opened(write(tmp_path, {"dark/1.x": deep, "light/1.x": bands}))
    assert target.decoding == "no alpha;white is zero"
    (said,) = target.warnings
    assert "fourth is not declared to be alpha" in said


def test_images_in_parquet(tmp_path: Path) -> None:
    values, files = dark_and_light(12, png)
    eight = png(grey(255).astype(np.uint8))
    table = pa.table(
        {"image": [*files.values(), eight], "label": ["a", "b", "a"]},
    )
    pq.write_table(table, tmp_path / "a.parquet")
    target = opened(tmp_path / "a.parquet")
    assert target.decoding == "integer=0:4095"
    target.prepare(target.samples)
    pictures = list(shown(target).values())
    for item in values.values():
        assert any(np.array_equal(picture, eighths(item, 4095)) for picture in pictures)


def test_what_a_plugin_reads_is_in_the_key(tmp_path: Path) -> None:
    import imagecodecs

    from featrank.targets._plugin_formats import PLUGINS

    photos = {
        f"{name}/1.jxl": imagecodecs.jpegxl_encode(grey(255).astype(np.uint8), lossless=True)
        for name in CLASSES
    }
    target = opened(write(tmp_path, photos))
    assert target.decoding == PLUGINS["JPEG XL"].version
    assert len(shown(target)) == 2


def test_damage_is_left_to_the_decoder(tmp_path: Path) -> None:
    torn = png(grey(4095).astype(np.uint16))[:60]
    files = {"dark/1.x": torn, "light/1.x": png(grey(255).astype(np.uint8)), "dark/2.x": torn[:40]}
    assert len(opened(write(tmp_path, files)).samples) == 3


def test_kinds_without_files_are_left_alone() -> None:
    def read(sample: Sample) -> Image.Image:
        raise AssertionError(sample)

    target = Target("x", None, (Sample("a", "a", "0"),), read)
    assert survey.survey(target, "auto") is target


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "PPM", "WEBP", "PNG", "JPEG2000"])
def test_plain_files_are_told_by_their_first_bytes(kind: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (9, 8)).save(stream, kind)
    assert is_plain(stream.getvalue()[:132])


def test_files_to_look_into() -> None:
    assert not is_plain(png(grey(9).astype(np.uint16))[:132])
    assert not is_plain(tiff(grey(9).astype(np.uint8))[:132])
    assert not is_plain(bytes(128) + b"DICM")
    assert is_plain(b"")


def test_the_fingerprint_is_of_the_files(tmp_path: Path) -> None:
    _, files = dark_and_light(12, png)
    target = opened(write(tmp_path, files))
    usual = opened(tmp_path, "16")
    assert dataclasses.replace(target, decoding="").fingerprint == usual.fingerprint


def test_a_second_run_looks_at_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, files = dark_and_light(12, png)
    root = write(tmp_path / "set", files | {"dark/odd.x": floats(9.0)})
    hashes = FileHashes(tmp_path / "cache" / "hashes.sqlite")
    first = open_target(str(root), Selection(), hashes)

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(survey, "_look_at", never)
    second = open_target(str(root), Selection(), hashes)
    assert second == first
    assert len(second.skipped) == 1
    with pytest.raises(AssertionError):
        open_target(str(root), Selection(), hashes, Listing(value_range="16"))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_images_in_archives(tmp_path: Path, mode: str) -> None:
    import tarfile

    values, files = dark_and_light(12, png)
    write(tmp_path / "set", {name.replace(".x", ".png"): data for name, data in files.items()})
    path = tmp_path / ("a.tar.gz" if "gz" in mode else "a.tar")
    with tarfile.open(path, mode) as archive:
        archive.add(tmp_path / "set", "set")
    target = opened(path)
    assert target.decoding == "integer=0:4095"
    target.prepare(target.samples)
    pictures = list(shown(target).values())
    for item in values.values():
        assert any(np.array_equal(picture, eighths(item, 4095)) for picture in pictures)


def test_what_could_not_be_looked_at_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, files = dark_and_light(12, png)
    root = write(tmp_path / "set", files | {"dark/empty.x": b""})
    hashes = FileHashes(tmp_path / "cache" / "hashes.sqlite")
    with monkeypatch.context() as away:
        away.setattr("featrank.targets.image_folder.FolderReader.head", lambda *_: b"")
        assert open_target(str(root), Selection(), hashes).decoding == ""
    assert open_target(str(root), Selection(), hashes).decoding == "integer=0:4095"
    assert recall_choice(tmp_path / "cache", kept_name(tmp_path)) is not None


def kept_name(tmp_path: Path) -> str:
    import json

    (name,) = set(json.loads((tmp_path / "cache" / "value-ranges.json").read_text())) - {"checksum"}
    return name
