"""hscore_reg against its definition with scikit-learn's Ledoit-Wolf."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid, scatter_of
from sklearn.covariance import ledoit_wolf_shrinkage

from featrank.labelled.labelled import Labelled
from featrank.metrics.hscore import METRIC as HSCORE
from featrank.metrics.hscore_reg import METRIC


@on_the_grid
def test_equals_the_formula(case):
    features, labels = features_of(case)
    _, between, total = scatter_of(features, labels)
    alpha = ledoit_wolf_shrinkage(features.astype(np.float64))
    shrunk = (1 - alpha) * total + alpha * np.trace(total) / len(total) * np.eye(len(total))
    expected = np.trace(np.linalg.inv(shrunk) @ ((1 - alpha) * between))
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == pytest.approx(expected, rel=1e-6)
    assert score.details["shrinkage"] == pytest.approx(alpha, rel=1e-6)


def test_never_above_the_unregularised():
    for case in ("200x32x4", "60x256x3"):
        features, labels = features_of(case)
        assert METRIC(features, labels) < HSCORE(features, labels)


def test_two_points_need_no_shrinkage():
    # Both rows lie on one line at the same distance from the mean: the intensity is 0.
    features = np.outer(np.tile([1.0, -1.0], 6), [1.0, 2.0, 0.5])
    assert METRIC(features, np.arange(12) % 2) == pytest.approx(1.0)


def test_one_feature_is_the_correlation_ratio():
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    values = rng.standard_normal(30) + labels
    between = sum((values[labels == c].mean() - values.mean()) ** 2 for c in range(3)) / 3
    assert METRIC(values[:, None], labels) == pytest.approx(between / values.var(), rel=1e-9)
