"""coding_rate against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid

from featrank.errors import InputError
from featrank.metrics.coding_rate import METRIC


def naive_coding_rate(features, labels, eps):
    z = np.asarray(features, dtype=np.float64)
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    d = z.shape[1]

    def rate(rows):
        return np.linalg.slogdet(np.eye(d) + d / (len(rows) * eps**2) * rows.T @ rows)[1] / 2

    parts = [(labels == c).mean() * rate(z[labels == c]) for c in np.unique(labels)]
    return rate(z) - sum(parts)


@on_the_grid
@pytest.mark.parametrize("eps", [0.5, 0.05])
def test_equals_the_formula(case, eps):
    features, labels = features_of(case)
    expected = naive_coding_rate(features, labels, eps)
    assert METRIC(features, labels, eps=eps) == pytest.approx(expected, rel=1e-6)


def test_orthogonal_classes_have_a_closed_form():
    # Two classes on an axis each, of two: eigenvalues 1/2, 1/2 against 1, 0.
    features, labels = np.repeat(np.eye(2), 3, axis=0), np.repeat([0, 1], 3)
    expected = np.log(1 + 2 / 0.25 / 2) - 0.5 * np.log(1 + 2 / 0.25)
    assert METRIC(features, labels) == pytest.approx(expected, rel=1e-12)


def test_length_does_not_matter():
    features, labels = features_of("60x256x3")
    stretched = features.astype(float) * np.arange(1, 61)[:, None]
    assert METRIC(stretched, labels) == pytest.approx(METRIC(features, labels), rel=1e-9)


def test_impossible_precision_is_an_error():
    with pytest.raises(InputError, match="eps"):
        METRIC(np.eye(8), [0, 1] * 4, eps=-1.0)
