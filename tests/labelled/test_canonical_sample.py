from __future__ import annotations

import numpy as np
import pytest
from formula_grid import gaussian_classes

from featrank.errors import InputError
from featrank.labelled.canonical_sample import draw_sample
from featrank.labelled.folds import stratified_folds
from featrank.labelled.labelled import Labelled


@pytest.fixture
def data():
    return gaussian_classes([60, 25, 10, 1], 5)


def _draw(features, labels, max_rows=1000, seed=0, **options):
    return draw_sample(Labelled.from_arrays(features, labels), max_rows, seed, **options)


def test_all_rows_are_there_divided_by_a_power_of_two(data):
    features, labels = data
    sample, details = _draw(features, np.array(["z", "b", "y", "a"])[labels])
    assert details == {}
    scale = features.max() / sample.features.max()
    assert np.log2(scale) == int(np.log2(scale))
    assert np.abs(sample.features).max() < 1
    rows = sorted(zip(features.tolist(), labels, strict=True))
    names = np.array(["z", "b", "y", "a"])
    again = [
        ((scale * row).tolist(), sample.classes[label])
        for row, label in zip(sample.features, sample.labels, strict=True)
    ]
    assert sorted(again) == [(row, names[label]) for row, label in rows]


@pytest.mark.parametrize("max_rows", [1000, 40])
@pytest.mark.parametrize("by_class", [True, False])
def test_order_names_and_precision_leave_no_trace(data, max_rows, by_class):
    features, labels = data[0].astype(np.float32), data[1]
    moved = np.random.default_rng(1).permutation(len(labels))
    one, _ = _draw(features, labels, max_rows, by_class=by_class)
    names = np.array(["d", "b", "aa", "c"])
    other, _ = _draw(
        features[moved].astype(np.float64), names[labels[moved]], max_rows, by_class=by_class
    )
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.labels, other.labels)


def test_folds_are_those_of_the_data(data):
    features, labels = data
    labelled = Labelled.from_arrays(features, labels)
    sample, _ = draw_sample(labelled, 1000, 0)

    def content(features, folds):
        scaled = features / np.abs(features).max()
        return sorted(zip(scaled.tolist(), folds.tolist(), strict=True))

    assert content(sample.features, stratified_folds(sample)) == content(
        features, stratified_folds(labelled)
    )


def test_classes_keep_their_shares_and_at_least_two_rows(data):
    sample, details = _draw(*data, max_rows=24)
    assert sorted(sample.counts.tolist()) == [1, 2, 6, 15]
    assert details == {"sampled_rows": 24, "seed": 0}


def test_without_a_look_at_labels_as_many_as_asked_for(data):
    sample, details = _draw(*data, max_rows=24, by_class=False)
    assert sample.n_samples == details["sampled_rows"] == 24


def test_seed_chooses(data):
    one, two = (_draw(*data, max_rows=24, seed=seed)[0] for seed in (0, 1))
    assert (one.features != two.features).any()


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e28])
def test_extreme_scales_come_near_one(data, scale):
    sample, _ = _draw(data[0] * scale, data[1])
    assert 0.5 <= np.abs(sample.features).max() < 1


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        _draw(np.full((6, 3), 2.0), [0, 1] * 3)


def test_of_more_classes_than_there_is_room_for_some_are_drawn():
    rng = np.random.default_rng(0)
    counts = np.concatenate([np.full(300, 4), np.ones(500, int)])
    labels = rng.permutation(np.repeat(np.arange(800), counts))
    features = rng.standard_normal((len(labels), 3))
    sample, details = _draw(features, labels, max_rows=200)
    assert details == {
        "sampled_rows": sample.n_samples, "seed": 0, "sampled_classes": sample.n_classes,
    }  # fmt: skip
    assert sample.n_classes == 100
    assert sample.n_samples <= 200
    # Drawn by their images: those of one image do not crowd out the others.
    assert (sample.counts == 2).mean() > 0.5
    assert (_draw(features, labels, max_rows=200)[0].features == sample.features).all()
    few, details = _draw(features, labels, max_rows=1600)
    assert few.n_classes == 800
    assert "sampled_classes" not in details
