"""tmi_var against a plain transcription and closed forms."""

import numpy as np
import pytest

from featrank.errors import InputError
from featrank.metrics.tmi_var import METRIC


def naive(features, labels):
    z = np.asarray(features, dtype=np.float64)
    total = np.trace(np.cov(z.T, bias=True).reshape(z.shape[1], -1))
    within = 0.0
    for label in np.unique(labels):
        rows = z[labels == label]
        covariance = np.cov(rows.T, bias=True).reshape(z.shape[1], -1)
        within += len(rows) / len(z) * np.trace(covariance)
    return within / total


@pytest.mark.parametrize("n_features", [1, 5, 60])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_equals_the_formula(n_features, offset):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [20, 11, 2])
    features = rng.standard_normal((33, n_features)) + labels[:, None] + offset
    assert METRIC(features, labels) == pytest.approx(naive(features, labels), rel=1e-7)


def test_two_points_a_class_have_a_closed_form():
    features = np.array([[-3.0], [-1.0], [1.0], [3.0]])
    assert METRIC(features, [0, 0, 1, 1]) == pytest.approx(4 / 20)


def test_classes_without_spread_give_0_and_classes_alike_give_1():
    column = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert METRIC(column, [0, 0, 1, 1]) == 0.0
    assert METRIC(column, [0, 1, 0, 1]) == 1.0


def test_blocks_of_rows_give_the_same(monkeypatch):
    import sys

    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((50, 8)), np.arange(50) % 3
    whole = METRIC(features, labels)
    monkeypatch.setattr(sys.modules["featrank.metrics._variance"], "_BLOCK_VALUES", 8 * 7)
    assert METRIC(features, labels) == pytest.approx(whole, rel=1e-12)


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        METRIC(np.full((10, 3), 5.0), np.repeat([0, 1], 5))
