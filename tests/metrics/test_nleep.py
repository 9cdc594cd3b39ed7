"""nleep against scikit-learn's PCA and mixture, and LEEP in loops."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from featrank.errors import InputError
from featrank.labelled.folds import canonical_order
from featrank.labelled.labelled import Labelled
from featrank.metrics.nleep import METRIC

# The package gives the declaration by this name.
MODULE = sys.modules["featrank.metrics.nleep"]


def naive_nleep(features, labels):
    order = canonical_order(Labelled.from_arrays(features, labels))
    features, labels = as_float64(features, labels)
    rows, labels = features[order], labels[order]
    scores = PCA(0.8, svd_solver="full").fit_transform(rows)
    scores /= np.sqrt((scores**2).mean())
    n_components = max(2, min(5 * (labels.max() + 1), len(rows) // 5))
    mixture = GaussianMixture(
        n_components, covariance_type="diag", init_params="k-means++", random_state=0
    )
    posteriors = mixture.fit(scores).predict_proba(scores)
    total = 0.0
    for i, label in enumerate(labels):
        conditional = posteriors[labels == label].sum(axis=0) / posteriors.sum(axis=0)
        total += np.log((conditional * posteriors[i]).sum())
    return total / len(rows)


@every_case
def test_equals_the_formula(features, labels):
    assert METRIC(features, labels) == pytest.approx(naive_nleep(features, labels), rel=1e-4)


def test_components_are_capped_for_few_rows():
    features, labels = gaussian_classes([10, 10], 4)
    details = METRIC.score(Labelled.from_arrays(features, labels)).details
    assert details["mixture_components"] == 4
    details = METRIC.score(Labelled.from_arrays(features[:5], [0, 1, 0, 1, 0])).details
    assert details["mixture_components"] == 2


def test_scale_does_not_matter():
    features, labels = gaussian_classes([30, 30], 8)
    assert METRIC(1024 * features, labels) == METRIC(features, labels)


def test_far_apart_is_nearly_perfect():
    features, labels = gaussian_classes([40, 40, 40], 6, signal=20.0)
    assert METRIC(features, labels) == pytest.approx(0.0, abs=1e-6)


def test_many_rows_are_sampled(monkeypatch):
    monkeypatch.setattr(MODULE, "_MAX_ROWS", 50)
    features, labels = gaussian_classes([60, 60], 4)
    details = METRIC.score(Labelled.from_arrays(features, labels)).details
    assert details["sampled_rows"] == 50


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        METRIC(np.ones((12, 3)), np.arange(12) % 2)
