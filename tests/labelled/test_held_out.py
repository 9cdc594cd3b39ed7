from __future__ import annotations

import numpy as np
import pytest

from featrank.labelled import row_source
from featrank.labelled.folds import stratified_folds
from featrank.labelled.held_out import FoldedLayer, LinearRule
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Moments


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((40, 6)) + 100, np.repeat([0, 1, 2], [20, 14, 6])


@pytest.fixture(params=["whole", "blocks"])
def layer(request, data, monkeypatch):
    if request.param == "blocks":
        monkeypatch.setattr(row_source, "BLOCK_VALUES", 18)
    return FoldedLayer(Labelled.from_arrays(*data), folds=4, seed=0)


def test_training_moments_are_those_of_the_training_rows(data, layer):
    features, labels = data
    fold_of = stratified_folds(Labelled.from_arrays(features, labels), 4, 0)
    shifted = features - features.mean(axis=0)
    full, diagonal = layer.moments(full=True), layer.moments(full=False)
    for fold in range(4):
        rows, y = shifted[fold_of != fold], labels[fold_of != fold]
        training = Moments.union(full[:fold] + full[fold + 1 :])
        order = np.argsort(-training.counts[training.present])  # classes are told by their size
        means = np.array([rows[y == label].mean(axis=0) for label in range(3)])
        centred = rows - means[y]
        np.testing.assert_allclose(training.means[order], means, atol=1e-12)
        np.testing.assert_allclose(training.scatter(), centred.T @ centred, atol=1e-11)
        np.testing.assert_allclose(training.low, rows.min(axis=0), atol=1e-12)
        np.testing.assert_allclose(training.high, rows.max(axis=0), atol=1e-12)
        assert training.n_samples == len(rows)
        narrow = Moments.union(diagonal[:fold] + diagonal[fold + 1 :])
        np.testing.assert_allclose(narrow.scatter(), np.square(centred).sum(axis=0), atol=1e-11)


def test_score_of_a_rule_that_always_says_the_same(layer):
    def largest_class(training):
        bias = np.log(training.counts[training.present] / training.n_samples)
        return LinearRule(np.zeros((6, len(bias))), bias, training.present)

    score = layer.score(layer.moments(full=False), largest_class)
    assert score.value == pytest.approx(1 / 3)
    entropy = -sum(n / 40 * np.log(n / 40) for n in (20, 14, 6))
    assert score.tie_break == pytest.approx(-entropy, abs=0.01)
    assert score.details["unpredictable"] == 0
