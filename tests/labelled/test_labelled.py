from __future__ import annotations

import numpy as np
import pytest

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled

ROWS = np.arange(8.0).reshape(4, 2)
LABELS = [0, 1, 0, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_not_copied(dtype):
    features = ROWS.astype(dtype)
    features.setflags(write=False)
    assert np.shares_memory(Labelled.from_arrays(features, LABELS).features, features)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(np.float16, np.float32), (np.int32, np.float64), (bool, np.float64), (">f4", np.float64)],
)
def test_other_numbers_become_floats(given, kept):
    assert Labelled.from_arrays(ROWS.astype(given), LABELS).features.dtype == kept


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([7, -2, 7, 30], (-2, 7, 30)),
        (["b", "a", "b", "a"], ("a", "b")),
        ([1.0, 2.0, 1.0, 2.0], (1, 2)),
        ([True, False, True, False], (False, True)),
        (np.array(["b", "a", "b", "a"], dtype=object), ("a", "b")),
        (np.array([np.int64(4), 3, 4, 4], dtype=object), (3, 4)),
        (np.array(["b", "a", "b", "a"], dtype=np.dtypes.StringDType()), ("a", "b")),
    ],
)
def test_classes_are_the_labels_as_given(labels, classes):
    labelled = Labelled.from_arrays(ROWS, labels)
    assert labelled.classes == classes
    assert [classes[i] for i in labelled.labels] == list(labels)


def test_rows_and_counts_of_classes():
    labelled = Labelled.from_arrays(np.zeros((5, 3)), ["b", "a", "b", "c", "b"])
    assert (labelled.n_samples, labelled.n_features, labelled.n_classes) == (5, 3, 3)
    assert labelled.counts.tolist() == [1, 3, 1]
    assert [labelled.rows_of(label).tolist() for label in range(3)] == [[1], [0, 2, 4], [3]]


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        ([1.0, 2.0, 3.0, 4.0], LABELS, "shape"),
        (ROWS[None], LABELS, "shape"),
        (np.zeros((0, 2)), [], "empty"),
        (np.zeros((4, 0)), LABELS, "empty"),
        ([[1, 2], [3]], [0, 1], "not an array"),
        (ROWS.astype(complex), LABELS, "real numbers"),
        (ROWS.astype(str), LABELS, "real numbers"),
        (
            np.array([[1, 2], [3, np.nan], [1, 1], [2, 2]]),
            LABELS,
            "NaN or infinity, first in row 1",
        ),
        (np.array([[1, 2], [3, 4], [1, -np.inf], [2, 2]]), LABELS, "infinity, first in row 2"),
        (ROWS * 1e30, LABELS, r"beyond 1e\+30, first in row 1"),
        (ROWS, [0, 1, 0], "4 rows of features but 3 labels"),
        (ROWS, [[0], [1], [0], [1]], "labels must have shape"),
        (ROWS, [2, 2, 2, 2], "only one class"),
        (ROWS, [0.5, 1.0, 0.5, 1.0], "integers or strings"),
        (ROWS, [0.0, 1.0, np.nan, 1.0], "integers or strings"),
        (ROWS, [0.0, 1.0, 1e300, 1.0], "integers or strings"),
        (ROWS, ["a", None, "a", "b"], "integers or strings"),
        (ROWS, np.array(["a", 1, "a", 1], dtype=object), "integers or strings"),
    ],
)
def test_bad_input_is_named(features, labels, message):
    with pytest.raises(InputError, match=message):
        Labelled.from_arrays(features, labels)


def test_the_first_bad_row_is_found_beyond_the_first_block():
    features = np.zeros((9000, 1), dtype=np.float32)
    features[8500] = np.inf
    with pytest.raises(InputError, match="row 8500"):
        Labelled.from_arrays(features, np.arange(9000) % 2)


def test_permuted_labels_stand_beside_the_same_rows():
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((30, 3)), np.repeat(["a", "b", "c"], 10)
    labelled = Labelled.from_arrays(features, labels)
    permuted = labelled.permuted(4, 2)
    assert permuted.features is labelled.features
    assert (np.bincount(permuted.labels) == 10).all()
    expected = np.random.default_rng([4, 2]).permutation(labels)
    assert np.array(permuted.classes)[permuted.labels].tolist() == expected.tolist()
    for other in (labelled, labelled.permuted(4, 1), labelled.permuted(5, 2)):
        assert (other.labels != permuted.labels).any()


def test_permuted_labels_share_what_is_of_the_rows_alone():
    labelled = Labelled.from_arrays(ROWS, LABELS)
    labelled.remember("rows", lambda: "first", of_rows=True)
    labelled.remember("labels", lambda: "first")
    permuted = labelled.permuted(0, 0)
    assert permuted.remember("rows", lambda: "second", of_rows=True) == "first"
    assert permuted.remember("labels", lambda: "second") == "second"


def test_nothing_can_be_written_to():
    """All metrics see the same rows; the arrays that were given stay as they were."""
    features, labels = np.ones((4, 2)), np.array([0, 1, 0, 1])
    labelled = Labelled.from_arrays(features, labels)
    with pytest.raises(ValueError, match="read-only"):
        labelled.features[0, 0] = 2
    with pytest.raises(ValueError, match="read-only"):
        labelled.labels[0] = 2
    features[0, 0] = labels[0] = 0
