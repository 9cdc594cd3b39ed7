from __future__ import annotations

import numpy as np
import pytest
from formula_grid import gaussian_classes

from featrank.labelled.canonical_sample import draw_sample
from featrank.labelled.cross_fit import cross_fit
from featrank.labelled.folds import stratified_folds
from featrank.labelled.labelled import Labelled


def _sample(counts):
    return draw_sample(Labelled.from_arrays(*gaussian_classes(counts, 3)), 1000, 0)[0]


def _shares(rows, labels):
    log_shares = np.log(np.unique(labels, return_counts=True)[1] / len(labels))
    return lambda tested: np.tile(log_shares, (len(tested), 1))


def test_training_rows_are_all_but_the_fold():
    sample = _sample([12, 8])
    seen = []

    def train(rows, labels):
        seen.append(rows)
        np.testing.assert_array_equal(np.unique(labels), [0, 1])
        return _shares(rows, labels)

    held_out = cross_fit(sample, 4, 0, train)
    fold_of = stratified_folds(sample, 4, 0)
    assert held_out.folds == 4
    for fold in range(4):
        np.testing.assert_array_equal(seen[fold], sample.features[fold_of != fold])


def test_score_of_a_rule_that_always_says_the_same():
    score = cross_fit(_sample([20, 10, 10]), 5, 0, _shares).score({"seed": 0})
    assert score.value == pytest.approx(1 / 3)
    assert score.tie_break == pytest.approx(0.5 * np.log(0.5) + 0.5 * np.log(0.25))
    assert list(score.details) == ["folds", "seed", "mean_log_posterior", "unpredictable"]


def test_a_class_of_one_is_unpredictable():
    sample = _sample([9, 1, 5])
    held_out = cross_fit(sample, 5, 0, _shares)
    single = int(np.argmin(sample.counts))
    assert np.isneginf(held_out.log_posterior[sample.labels == single]).all()
    assert held_out.score({}).details["unpredictable"] == 1
