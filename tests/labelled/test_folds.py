from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from featrank.errors import InputError
from featrank.labelled.folds import canonical_order, stratified_folds
from featrank.labelled.labelled import Labelled


def _folds(features, labels, **params):
    return stratified_folds(Labelled.from_arrays(features, labels), **params)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((53, 40)), rng.integers(0, 4, 53)


def test_is_reproduced_in_three_lines(data):
    features, labels = data
    order = np.lexsort(features.astype(np.float32).T[::-1])
    splitter = StratifiedKFold(5, shuffle=True, random_state=3)
    expected = np.empty(53, int)
    for fold, (_, test) in enumerate(splitter.split(order, labels[order])):
        expected[order[test]] = fold
    np.testing.assert_array_equal(_folds(features, labels, folds=5, seed=3), expected)


@pytest.fixture
def groups():
    return np.random.default_rng(4).integers(0, 17, 53)


def _grouped_folds(features, labels, groups, **params):
    return stratified_folds(Labelled.from_arrays(features, labels, groups), **params)


def test_groups_are_kept_together_as_scikit_learn_keeps_them(data, groups):
    features, labels = data
    order = np.lexsort(features.astype(np.float32).T[::-1])
    numbers = {group: i for i, group in enumerate(dict.fromkeys(groups[order].tolist()))}
    in_order = np.array([numbers[group] for group in groups[order]])
    expected = np.empty(53, int)
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=3)
    for fold, (_, test) in enumerate(splitter.split(order, labels[order], in_order)):
        expected[order[test]] = fold
    folds = _grouped_folds(features, labels, groups, folds=5, seed=3)
    np.testing.assert_array_equal(folds, expected)
    assert all(len(set(folds[groups == group])) == 1 for group in groups)


def test_neither_numbers_of_groups_nor_places_of_rows_matter(data, groups):
    features, labels = data
    moved = np.random.default_rng(1).permutation(53)
    renamed = np.random.default_rng(2).permutation(90)[groups]
    np.testing.assert_array_equal(
        _grouped_folds(features[moved], labels[moved], renamed[moved]),
        _grouped_folds(features, labels, groups)[moved],
    )


def test_few_groups_make_few_folds(data):
    features, labels = data
    folds = _grouped_folds(features, labels, np.arange(53) % 3)
    assert set(folds.tolist()) == {0, 1, 2}
    with pytest.raises(InputError, match="one group"):
        _grouped_folds(features, labels, np.zeros(53, int))


def test_classes_are_spread_evenly(data):
    features, labels = data
    folds = _folds(features, labels)
    for label in range(4):
        sizes = np.bincount(folds[labels == label], minlength=5)
        assert sizes.max() - sizes.min() <= 1


def test_a_row_keeps_its_fold_when_rows_move(data):
    features, labels = data
    moved = np.random.default_rng(1).permutation(53)
    np.testing.assert_array_equal(
        _folds(features[moved], labels[moved]), _folds(features, labels)[moved]
    )


@pytest.mark.parametrize("names", [[3, 2, 1, 0], [10, -4, 99, 7], ["d", "b", "aa", "c"]])
def test_names_play_no_part(data, names):
    features, labels = data
    np.testing.assert_array_equal(_folds(features, np.array(names)[labels]), _folds(*data))


def test_precision_plays_no_part(data):
    features, labels = data
    # Ties that only float64 tells apart, in the first column and in whole rows.
    features[:20, 0] = 1 + 1e-12 * np.arange(20)
    features[30:33] = features[30]
    np.testing.assert_array_equal(
        _folds(features.astype(np.float32), labels), _folds(features, labels)
    )


@pytest.mark.parametrize("n_tied_columns", [1, 15, 16, 39])
def test_ties_go_to_the_next_columns(data, n_tied_columns):
    features, labels = data
    features[:, :n_tied_columns] = np.random.default_rng(2).integers(0, 2, (53, n_tied_columns))
    order = canonical_order(Labelled.from_arrays(features, labels))
    np.testing.assert_array_equal(order, np.lexsort(features.astype(np.float32).T[::-1]))


def test_equal_rows_of_different_classes(data):
    features, labels = data
    features[10:40] = features[10]
    folds = _folds(features, labels)
    moved = np.random.default_rng(1).permutation(53)
    renamed = np.array(["d", "b", "aa", "c"])[labels[moved]]
    again = _folds(features[moved], renamed)

    # Equal rows of one class may trade places; how many go where may not change.
    def content(folds, features, labels):
        return sorted(zip(folds, features[:, 0], labels, strict=True))

    assert content(again, features[moved], labels[moved]) == content(folds, features, labels)


def test_float64_decides_where_float32_cannot():
    features = np.full((12, 3), 0.5)
    features[:, 2] += 1e-13 * np.arange(12)
    labels = np.arange(12) % 2
    moved = np.random.default_rng(0).permutation(12)
    np.testing.assert_array_equal(
        _folds(features[moved], labels[moved]), _folds(features, labels)[moved]
    )


def test_signed_zeros_are_equal():
    features = np.arange(24.0).reshape(12, 2)
    features[:, 0] = 0.0
    other = features.copy()
    other[::2, 0] = -0.0
    labels = np.arange(12) % 2
    np.testing.assert_array_equal(_folds(features, labels), _folds(other, labels))


def test_seed_shuffles(data):
    assert (_folds(*data, seed=0) != _folds(*data, seed=1)).any()


def test_small_classes_lower_the_number_of_folds_without_a_warning(data):
    features, _ = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _folds(features[:7], [0, 0, 0, 1, 1, 2, 0]).max() + 1 == 4
        assert _folds(features[:3], [0, 0, 1]).max() + 1 == 2
        assert _folds(features[:12], [0] * 11 + [1]).max() + 1 == 5


def test_single_samples_only_is_an_error(data):
    with pytest.raises(InputError, match="single sample"):
        _folds(data[0][:4], [0, 1, 2, 3])


def test_one_fold_is_an_error(data):
    with pytest.raises(InputError, match="at least 2"):
        _folds(*data, folds=1)


def test_names_play_no_part_where_float32_sees_no_difference():
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((60, 2)) + 1e8, np.arange(60) % 3
    assert (np.unique(features.astype(np.float32), axis=0) == features[:1].astype("f4")).all()
    np.testing.assert_array_equal(_folds(features, labels), _folds(features, 2 - labels))
