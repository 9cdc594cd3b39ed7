"""transrate against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid

from featrank.errors import InputError
from featrank.labelled import log_determinants
from featrank.metrics.transrate import METRIC


def naive_transrate(features, labels, eps):
    z = np.asarray(features, dtype=np.float64)
    z = z - z.mean(axis=0)
    z /= np.sqrt((z**2).sum() / len(z))

    def rate(rows):
        return np.linalg.slogdet(np.eye(z.shape[1]) + rows.T @ rows / (len(rows) * eps))[1] / 2

    parts = [(labels == c).mean() * rate(z[labels == c]) for c in np.unique(labels)]
    return rate(z) - sum(parts)


@on_the_grid
@pytest.mark.parametrize("eps", [1e-4, 0.1])
def test_equals_the_formula(case, eps):
    features, labels = features_of(case)
    expected = naive_transrate(features, labels, eps)
    assert METRIC(features, labels, eps=eps) == pytest.approx(expected, rel=1e-6)


def test_classes_are_held_a_few_at_a_time(monkeypatch):
    features, labels = features_of("1000x64x50")
    expected = METRIC(features, labels)
    monkeypatch.setattr(log_determinants, "_HELD_VALUES", 64 * 64)
    assert METRIC(features, labels) == pytest.approx(expected, rel=1e-12)


def test_one_feature_has_a_closed_form():
    values, labels = np.array([3.0, 1.0, -1.0, -3.0]), [0, 0, 1, 1]
    # Unit variance: divided by √5. Inside either class the mean square is 1 as well.
    assert METRIC(values[:, None], labels, eps=0.5) == pytest.approx(0.0, abs=1e-12)
    # A class at 0 has rate 0.
    values = np.array([1.0, -1.0, 0.0, 0.0])
    expected = 0.5 * np.log(1 + 1 / 0.5) - 0.5 * 0.5 * np.log(1 + 2 / 0.5)
    assert METRIC(values[:, None], labels, eps=0.5) == pytest.approx(expected, rel=1e-12)


def test_scale_and_offset_do_not_matter():
    features, labels = features_of("200x32x4")
    moved = features.astype(np.float64) * 100 + 7
    assert METRIC(moved, labels) == pytest.approx(METRIC(features, labels), rel=1e-9)


def test_impossible_precision_is_an_error():
    with pytest.raises(InputError, match="eps"):
        METRIC(np.eye(8), [0, 1] * 4, eps=0.0)
