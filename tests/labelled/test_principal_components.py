from __future__ import annotations

import numpy as np
import pytest
from formula_grid import CASES, every_case
from sklearn.decomposition import PCA

from featrank.labelled.principal_components import principal_components


@every_case
def test_equals_scikit_learn_with_its_signs(features, labels):
    rows = features.astype(np.float64)
    expected = PCA(20, svd_solver="full").fit_transform(rows)
    np.testing.assert_allclose(principal_components(rows, 20), expected, atol=1e-9)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.95])
@every_case
def test_a_share_of_the_variance_takes_as_many_as_scikit_learn(features, labels, share):
    rows = features.astype(np.float64)
    expected = PCA(share, svd_solver="full").fit_transform(rows)
    scores = principal_components(rows, min(rows.shape), share=share)
    np.testing.assert_allclose(scores, expected, atol=1e-9)


@pytest.mark.parametrize("n_features", [7, 70])
def test_axes_without_variance_are_left_out(n_features):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, 3)) @ rng.standard_normal((3, n_features)) + 5
    assert principal_components(rows, 10).shape == (30, 3)


def test_rows_are_not_written_to():
    rows = CASES["60x256, 3 classes"][0].copy()
    kept = rows.copy()
    principal_components(rows, 4)
    np.testing.assert_array_equal(rows, kept)
