"""The digits equal scikit-learn's."""

from __future__ import annotations

import hashlib
import pickle
import re

import numpy as np
import pytest

from featrank.config import Selection
from featrank.errors import IncompleteError, InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Target, digits, open_target


def opened(**selection: object) -> Target:
    return open_target("digits", Selection(**selection), FileHashes())


def test_equal_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    reference = load_digits()
    target = opened()
    assert len(target.samples) == len(reference.target) == 1797
    read = pickle.loads(pickle.dumps(target.read))
    for sample, label in zip(target.samples, target.labels, strict=True):
        index = int(re.fullmatch(r"digit-(\d{4})", sample.path)[1])
        assert label == reference.target[index]
        assert sample.class_name == str(label)
        image = read(sample)
        assert (image.mode, image.size) == ("RGB", (8, 8))
        expected = np.rint(reference.images[index] * 255 / 16).astype(np.uint8)
        assert (np.asarray(image) == expected[..., None]).all()
        assert sample.digest == hashlib.sha256(expected.tobytes()).hexdigest()


def test_subset() -> None:
    assert set(opened(limit_per_class=7).class_counts.values()) == {7}


def test_no_split() -> None:
    with pytest.raises(InputError, match="no split 'test'"):
        opened(split="test")


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    digits._table.cache_clear()
    monkeypatch.setattr(digits, "find_spec", lambda _: None)
    with pytest.raises(IncompleteError, match="scikit-learn"):
        opened()
