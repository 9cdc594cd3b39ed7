from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, in_blocks, on_the_grid

from featrank.labelled.labelled import Labelled
from featrank.labelled.singular_rows import canonical_correlations, singular_rows


@on_the_grid
@pytest.mark.parametrize("standardised", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
def test_equals_the_decomposition(case, standardised, streamed):
    features, labels = features_of(case)
    labelled = Labelled.from_arrays(features, labels)
    if streamed:
        labelled = Labelled.from_blocks(in_blocks(features, labels))
    z = features.astype(np.float64)
    if standardised:
        z = (z - z.mean(axis=0)) / z.std(axis=0)
    left, values, _ = np.linalg.svd(z, full_matrices=False)
    kept = values > 1e-6 * values[0]
    found = singular_rows(labelled, standardised=standardised)
    np.testing.assert_allclose(found.squares, values[kept][::-1] ** 2, rtol=1e-8)
    indicators = labels[:, None] == np.unique(labels)
    lengths = np.square(left[:, kept].T @ indicators).sum(axis=0)
    np.testing.assert_allclose(
        np.sort(np.square(found.projections).sum(axis=0)), np.sort(lengths), rtol=1e-8
    )


def test_canonical_correlations_of_two_classes():
    labels = np.arange(30) % 2
    values = np.random.default_rng(0).standard_normal(30) + labels
    expected = np.corrcoef(values, labels)[0, 1] ** 2
    found = canonical_correlations(Labelled.from_arrays(values[:, None], labels))
    np.testing.assert_allclose(found, [0.0, expected], atol=1e-12)


def test_equal_and_constant_columns_add_no_rank():
    rng = np.random.default_rng(0)
    few, labels = rng.standard_normal((90, 5)), np.arange(90) % 3
    repeated = np.hstack([few, few, np.zeros((90, 4)), few[:, ::-1]])
    found = singular_rows(Labelled.from_arrays(repeated, labels), standardised=False)
    alone = singular_rows(Labelled.from_arrays(few, labels), standardised=False)
    np.testing.assert_allclose(found.squares, 3 * alone.squares, rtol=1e-12)
    np.testing.assert_allclose(
        found.projections.T @ found.projections, alone.projections.T @ alone.projections, rtol=1e-10
    )


def test_orthogonal_columns_of_equal_length():
    """The worst case for eigenvectors: any rotation of them is as good."""
    labels = np.arange(64) % 4
    columns, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((64, 12)))
    found = singular_rows(Labelled.from_arrays(columns, labels), standardised=False)
    np.testing.assert_allclose(found.squares, np.ones(12), rtol=1e-12)
    indicators = (labels[:, None] == np.arange(4)).astype(float)
    lengths = np.square(columns.T @ indicators).sum(axis=0)
    np.testing.assert_allclose(
        np.sort(np.square(found.projections).sum(axis=0)), np.sort(lengths), rtol=1e-10
    )
