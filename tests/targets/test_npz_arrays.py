"""MedMNIST's files, and their like."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from featrank.errors import IncompleteError, InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.npz_arrays import TARGET

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (9, 5, 4), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (9, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(9, dtype=np.uint8) % 3


def opened(file: Path, **access: object) -> Target:
    return TARGET.open(str(file), Access(FileHashes(), **access))


def saved(file: Path, **arrays: object) -> Path:
    np.savez_compressed(file, **arrays)
    return file


@pytest.mark.parametrize("images", [GREY, GREY[..., None], COLOUR])
def test_pixels_and_labels_are_the_arrays(tmp_path: Path, images: np.ndarray) -> None:
    file = saved(tmp_path / "a.npz", train_images=images, train_labels=LABELS[:, None])
    assert TARGET.accepts(str(file))
    target = opened(file)
    target.prepare(target.samples)
    read = pickle.loads(pickle.dumps(target.read))
    assert len(target.samples) == 9
    for sample in target.samples:
        number = int(sample.path.removeprefix("train_images/"))
        assert sample.class_name == str(LABELS[number])
        expected = np.broadcast_to(images[number].reshape(5, 4, -1), (5, 4, 3))
        assert np.array_equal(np.asarray(read(sample)), expected)


def test_splits(tmp_path: Path) -> None:
    parts = {"train": slice(0, 5), "val": slice(5, 7), "test": slice(7, 9)}
    arrays = {}
    for split, part in parts.items():
        arrays |= {f"{split}_images": GREY[part], f"{split}_labels": LABELS[part]}
    file = saved(tmp_path / "a.npz", **arrays)
    assert (opened(file).split, opened(file).splits) == ("train", ("test", "train", "val"))
    assert len(opened(file, split="validation").samples) == 2
    with pytest.raises(InputError, match="no split 'dev'"):
        opened(file, split="dev")


def test_other_names(tmp_path: Path) -> None:
    keras = saved(tmp_path / "mnist.npz", x_train=GREY, y_train=LABELS, x_test=GREY, y_test=LABELS)
    bare = saved(tmp_path / "bare.npz", images=GREY, labels=LABELS)
    single = saved(tmp_path / "single.npz", image=GREY, label=LABELS)
    assert opened(keras).fingerprint == opened(bare).fingerprint == opened(single).fingerprint
    assert opened(keras, split="test").split == "test"
    assert opened(bare).split is None
    with pytest.raises(InputError, match="has no splits"):
        opened(bare, split="test")


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array(["b", "a", " "] * 3), {"a": 3, "b": 3}),
        (np.array([b"b", b"a", b""] * 3), {"a": 3, "b": 3}),
        (np.array([0.0, 1.0, np.nan] * 3), {"0": 3, "1": 3}),
        (np.array([True, False, True] * 3), {"True": 6, "False": 3}),
        (np.eye(3, dtype=np.float32)[LABELS], {"0": 3, "1": 3, "2": 3}),
        (np.array([[0, 1], [1, 0], [0, 0]] * 3), {"0": 3, "1": 3}),
    ],
)
def test_labels_by_value(tmp_path: Path, labels: np.ndarray, classes: dict[str, int]) -> None:
    target = opened(saved(tmp_path / "a.npz", images=GREY, labels=labels))
    assert dict(target.class_counts) == classes
    assert {item.reason for item in target.skipped} <= {"no label"}
    assert len(target.samples) + len(target.skipped) == 9


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"images": GREY, "labels": np.ones((9, 2), int)}, "9 images have several labels in"),
        ({"images": GREY, "labels": np.full((9, 2), 7)}, "not all of them 0 or 1"),
        ({"images": GREY, "labels": LABELS[:4]}, "uint8 .9, 5, 4. images and uint8 .4,. labels"),
        ({"images": GREY, "labels": np.array([{}] * 9)}, "is object"),
        ({"images": GREY.astype(np.float32), "labels": LABELS}, "is float32"),
        ({"images": np.zeros((9, 4, 4, 4), np.uint8), "labels": LABELS}, "is uint8"),
        ({"images": np.asfortranarray(GREY), "labels": LABELS}, "is uint8"),
        ({"images": LABELS, "labels": LABELS}, "is uint8"),
        ({"images": np.zeros((9, 0, 4), np.uint8), "labels": LABELS}, "4 x 0 pixels"),
        ({"train_images": GREY}, "no 'train_labels'"),
        ({"images": GREY, "labels": LABELS, "x": GREY, "y": LABELS}, "two arrays for one split"),
        (
            {"images": GREY, "labels": LABELS, "x_test": GREY, "y_test": LABELS},
            "without a split",
        ),
        ({"a": LABELS}, r"no array 'train_images' or 'images'; it has: a .uint8 .9,.."),
    ],
)
def test_what_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], says: str) -> None:
    with pytest.raises(InputError, match=says):
        opened(saved(tmp_path / "a.npz", **arrays))


def test_several_labels_an_image(tmp_path: Path) -> None:
    """As ChestMNIST has them."""
    labels = np.array([[1, 0, 1], [1, 0, 0], [0, 1, 0]] * 3)
    file = saved(tmp_path / "a.npz", images=GREY, labels=labels)
    assert dict(opened(file, multi_label="first").class_counts) == {"0": 6, "1": 3}
    rest = opened(file, multi_label="skip")
    assert dict(rest.class_counts) == {"0": 3, "1": 3}
    assert {item.path for item in rest.skipped} == {f"images/{i:06}" for i in (0, 3, 6)}


def test_features_are_sent_where_they_are_scored(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        opened(saved(tmp_path / "a.npz", features=np.ones((9, 4)), labels=LABELS))
    assert caught.value.hint == f"features are scored by: featrank score {tmp_path / 'a.npz'}"


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.npz", images=GREY, labels=LABELS)
    target = opened(file)
    saved(file, images=255 - GREY, labels=LABELS)
    target.prepare(target.samples)
    with pytest.raises(IncompleteError, match="changed"):
        target.read(target.samples[0])
