"""parc against numpy's correlations and ranks by sorting."""

from __future__ import annotations

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from sklearn.decomposition import PCA

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.parc import METRIC


def naive_parc(features, labels):
    features, labels = as_float64(features, labels)
    n_components = min(32, len(features) - 1, features.shape[1])
    scores = PCA(n_components, svd_solver="full").fit_transform(features)
    scores /= scores.std(axis=0)
    lower = np.tril_indices(len(scores), -1)
    of_features = 1 - np.corrcoef(scores)[lower]
    of_labels = 1 - np.corrcoef(np.eye(labels.max() + 1)[labels])[lower]
    return np.corrcoef(_ranks(of_features), _ranks(of_labels.round(9)))[0, 1]


def _ranks(values):
    """The mean of first and last place in sorted order."""
    ordered = np.sort(values)
    first = np.searchsorted(ordered, values, side="left")
    return (first + np.searchsorted(ordered, values, side="right")) / 2


@every_case
def test_equals_the_formula(features, labels):
    assert METRIC(features, labels) == pytest.approx(naive_parc(features, labels), rel=1e-6)


def test_shuffled_labels_score_about_zero():
    features, labels = gaussian_classes([100, 100, 100], 40, signal=2.0)
    assert METRIC(features, labels) > 0.2
    shuffled = np.random.default_rng(1).permutation(labels)
    assert METRIC(features, shuffled) == pytest.approx(0.0, abs=0.02)


def test_scale_does_not_matter():
    features, labels = gaussian_classes([20, 20], 6)
    assert METRIC(1e5 * features, labels) == pytest.approx(METRIC(features, labels), rel=1e-9)


def test_many_rows_are_sampled():
    features, labels = gaussian_classes([1500, 1500], 4)
    details = METRIC.score(Labelled.from_arrays(features, labels)).details
    assert details == {"principal_components": 4, "sampled_rows": 2000, "seed": 0}


def test_one_direction_is_an_error():
    with pytest.raises(InputError, match="at least 2 directions"):
        METRIC(np.outer(np.arange(12.0), [1.0, 2.0]), np.arange(12) % 2)


def test_single_samples_only_are_an_error():
    with pytest.raises(InputError, match="single sample"):
        METRIC(np.eye(4), [0, 1, 2, 3])
