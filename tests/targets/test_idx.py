"""The MNIST family's files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from image_sets import digit_pictures, idx_bytes, write_idx

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.idx import TARGET

PICTURES = digit_pictures(30)
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def opened(place: Path, **access: object) -> Target:
    return TARGET.open(str(place), Access(FileHashes(), **access))


def test_equal_scikit_learns_digits(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    target = opened(write_idx(tmp_path, PICTURES, zipped=True))
    assert len(target.samples) == 30
    for sample in target.samples:
        index = int(sample.path.removeprefix("image-"))
        assert sample.class_name == str(digits.target[index])
        expected = np.rint(digits.images[index] * 255 / 16)
        assert np.array_equal(np.asarray(target.read(sample))[..., 1], expected)


def test_splits(tmp_path: Path) -> None:
    write_idx(tmp_path, PICTURES[:20], zipped=True)
    write_idx(tmp_path, PICTURES[20:], "t10k", zipped=False)
    assert (len(opened(tmp_path).samples), opened(tmp_path).split) == (20, "train")
    assert len(opened(tmp_path, split="test").samples) == 10
    with pytest.raises(InputError, match="no split 'val'"):
        opened(tmp_path, split="val")


def test_one_file(tmp_path: Path) -> None:
    write_idx(tmp_path, PICTURES, "emnist-letters-train", zipped=True)
    file = tmp_path / f"emnist-letters-{IMAGES}.gz"
    assert TARGET.accepts(str(file))
    assert len(opened(file).samples) == 30
    with pytest.raises(InputError, match="has no splits"):
        opened(file, split="test")


EMNIST = "emnist-{}-{}-images-idx3-ubyte.gz"


def test_several_sets_in_one_folder_are_asked_for(tmp_path: Path) -> None:
    for name in ("letters", "digits"):
        for split in ("train", "test"):
            write_idx(tmp_path, PICTURES, f"emnist-{name}-{split}", zipped=True)
    with pytest.raises(InputError, match=r"2 sets: emnist-digits \(test, train\)") as caught:
        opened(tmp_path)
    word = caught.value.hint.partition("--dataset ")[2]
    assert word == str(tmp_path / EMNIST.format("digits", "test"))
    assert len(opened(Path(word)).samples) == 30
    write_idx(tmp_path, PICTURES, "train", zipped=False)
    with pytest.raises(InputError, match=r"one without a name \(train\), emnist-digits"):
        opened(tmp_path)


def test_images_that_are_stored_transposed_are_said(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_idx(tmp_path, PICTURES, f"emnist-letters-{split}", zipped=True)
    target = opened(tmp_path, split="test")
    assert (target.split, target.splits) == ("test", ("test", "train"))
    assert "stored transposed" in target.all_warnings[0]
    assert opened(tmp_path / EMNIST.format("letters", "train")).warnings == target.warnings
    plain = opened(write_idx(tmp_path / "mnist", PICTURES, zipped=True))
    assert plain.warnings == ()
    assert plain.fingerprint == target.fingerprint


def test_names_with_a_dot(tmp_path: Path) -> None:
    """As Kaggle's copy of MNIST has them."""
    write_idx(tmp_path, PICTURES, zipped=False)
    for file in tmp_path.iterdir():
        file.rename(file.with_name(file.name.replace("-idx", ".idx")))
    assert TARGET.accepts(str(tmp_path))
    assert len(opened(tmp_path).samples) == 30
    assert len(opened(tmp_path / "train-images.idx3-ubyte").samples) == 30


def test_colour(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx4-ubyte").write_bytes(idx_bytes((2, 1, 2, 3), bytes(range(12))))
    (tmp_path / LABELS).write_bytes(idx_bytes((2,), b"\0\1"))
    target = opened(tmp_path)
    images = {s.path: np.asarray(target.read(s)).ravel().tolist() for s in target.samples}
    assert images == {"image-000000": list(range(6)), "image-000001": list(range(6, 12))}


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (b"", "not an IDX file"),
        (b"\x89PNG....", "not an IDX file"),
        (b"\0\0\x0d\x03" + bytes(12), "unsigned bytes"),
        (b"\0\0\x08\x03" + bytes(5), "inside its header"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "claims"),
        (idx_bytes((30, 8, 8), bytes(100)), "ends early"),
        (idx_bytes((2, 2, 2), bytes(9)), "more than its header"),
        (idx_bytes((2, 2, 2), bytes(8)), "2 images and 30 labels"),
        (idx_bytes((30, 2), bytes(60)), "arrays of shapes"),
    ],
)
def test_damage(tmp_path: Path, images: bytes, says: str) -> None:
    write_idx(tmp_path, PICTURES, zipped=False)
    (tmp_path / IMAGES).write_bytes(images)
    with pytest.raises(InputError, match=says):
        opened(tmp_path)


def test_damaged_compression_and_missing_labels(tmp_path: Path) -> None:
    write_idx(tmp_path, PICTURES, zipped=True)
    file = tmp_path / f"{IMAGES}.gz"
    whole = file.read_bytes()
    for content in (whole[:-30], b"no gzip", whole[:20] + b"\xff" * 40 + whole[60:]):
        (tmp_path / "x").mkdir(exist_ok=True)
        (tmp_path / "x" / file.name).write_bytes(content)
        (tmp_path / "x" / f"{LABELS}.gz").write_bytes(gzip.compress(b""))
        with pytest.raises(InputError, match=r"cannot read|ends early"):
            opened(tmp_path / "x")
    (tmp_path / f"{LABELS}.gz").unlink()
    with pytest.raises(InputError, match="no labels beside"):
        opened(tmp_path)
