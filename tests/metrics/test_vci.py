"""vci against its definition, the H-score, and the table of widths."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid, scatter_of
from sklearn.covariance import ledoit_wolf_shrinkage

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.gda import METRIC as GDA
from featrank.metrics.hscore import METRIC as HSCORE
from featrank.metrics.hscore_reg import METRIC as HSCORE_REG
from featrank.metrics.vci import METRIC


def naive_vci(features, labels, alpha):
    _, between, total = scatter_of(features, labels)
    rank = np.linalg.matrix_rank(between, tol=1e-10 * np.trace(between), hermitian=True)
    shrunk = (1 - alpha) * total + alpha * np.trace(total) / len(total) * np.eye(len(total))
    inverse = np.linalg.pinv(shrunk, rcond=1e-11, hermitian=True)
    return 1 - (1 - alpha) * np.trace(inverse @ between) / rank


@on_the_grid
@pytest.mark.parametrize("shrinkage", [None, 0.0, 0.3])
def test_equals_the_formula(case, shrinkage):
    features, labels = features_of(case)
    alpha = ledoit_wolf_shrinkage(features.astype(float)) if shrinkage is None else shrinkage
    expected = naive_vci(features, labels, alpha)
    assert METRIC(features, labels, shrinkage=shrinkage) == pytest.approx(
        expected, rel=1e-6, abs=1e-9
    )


def test_is_one_less_the_share_of_the_h_score():
    features, labels = features_of("1000x64x50")
    assert METRIC(features, labels, shrinkage=0) == pytest.approx(1 - HSCORE(features, labels) / 49)
    assert METRIC(features, labels) == pytest.approx(1 - HSCORE_REG(features, labels) / 49)


def test_collapse_is_zero():
    assert METRIC(
        np.repeat(np.eye(3), 5, axis=0), np.arange(15) // 5, shrinkage=0
    ) == pytest.approx(0.0, abs=1e-12)


def test_noise_alone_falls_with_the_width_unless_shrunk():
    rng = np.random.default_rng(0)
    for d in (50, 150):
        features = rng.standard_normal((200, d))
        raw = METRIC(features, np.arange(200) % 5, shrinkage=0)
        assert raw == pytest.approx(1 - d / 199, abs=0.06)
        assert METRIC(features, np.arange(200) % 5) > 0.98


def test_width_misleads_the_raw_index_and_not_the_shrunk():
    """The same 20-dimensional signal with more and more nuisance features."""
    rng = np.random.default_rng(0)
    labels = np.arange(1000) % 10
    wide = rng.standard_normal((1000, 1500)).astype(np.float32)
    wide[:, :20] += 0.7 * rng.standard_normal((10, 20)).astype(np.float32)[labels]
    layers = [wide[:, :d] for d in (20, 192, 768, 1500)]
    raw = [METRIC(layer, labels, shrinkage=0) for layer in layers]
    shrunk = [METRIC(layer, labels) for layer in layers]
    accuracy = [GDA(layer, labels) for layer in layers]
    assert accuracy == sorted(accuracy, reverse=True)
    assert raw == sorted(raw, reverse=True)  # lower claims better: exactly backwards
    assert raw[-1] == pytest.approx(0.0, abs=1e-9)
    assert shrunk == sorted(shrunk)


@pytest.mark.parametrize("shrinkage", [-0.1, 1.0])
def test_impossible_shrinkage_is_an_error(shrinkage):
    with pytest.raises(InputError, match="shrinkage"):
        METRIC(np.eye(8), [0, 1] * 4, shrinkage=shrinkage)


def test_equal_means_are_an_error():
    with pytest.raises(InputError, match="same mean"):
        METRIC(np.repeat([[1.0, 2.0], [-1.0, 0.0]], 2, axis=0), [0, 1, 0, 1])


@pytest.mark.parametrize("shrinkage", [None, 0])
def test_float32_does_not_add_directions(shrinkage):
    """Class means in 3 dimensions, spread over 32: rounding leaves the others a little."""
    features, labels = low_rank()
    assert METRIC(features.astype(np.float32), labels, shrinkage=shrinkage) == pytest.approx(
        METRIC(features, labels, shrinkage=shrinkage), rel=1e-6
    )
    assert METRIC.score(Labelled.from_arrays(features.astype("f4"), labels)).details["rank"] == 3


def low_rank():
    labels, rng = np.arange(200) % 10, np.random.default_rng(0)
    narrow = rng.standard_normal((200, 3))
    narrow[:, 0] += labels
    return narrow @ rng.standard_normal((3, 32)), labels
