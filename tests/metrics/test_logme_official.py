"""logme_official against a plain transcription of the public algorithm."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid

from featrank.metrics.logme import METRIC as LOGME
from featrank.metrics.logme_official import METRIC


def naive_official(features, labels):
    z = np.asarray(features, dtype=np.float64)
    n, d = z.shape
    left, s, _ = np.linalg.svd(z, full_matrices=False)
    evidences = []
    for label in np.unique(labels):
        t = (labels == label).astype(float)
        x2 = (left.T @ t) ** 2
        alpha = beta = 1.0
        for _ in range(11):
            ratio = alpha / beta
            gamma = sum(sj**2 / (sj**2 + ratio) for sj in s)
            weights = sum(sj**2 * x / (ratio + sj**2) ** 2 for sj, x in zip(s, x2, strict=True))
            residual = t @ t - x2.sum()
            residual += sum(x / (1 + sj**2 / ratio) ** 2 for sj, x in zip(s, x2, strict=True))
            alpha, beta = gamma / (weights + 1e-5), (n - gamma) / (residual + 1e-5)
            if abs(alpha / beta - ratio) / ratio <= 1e-3:
                break
        evidences.append(
            d / 2 * np.log(alpha) + n / 2 * np.log(beta)
            - sum(np.log(alpha + beta * sj**2) for sj in s) / 2
            - beta / 2 * residual - alpha / 2 * weights - n / 2 * np.log(2 * np.pi)
        )  # fmt: skip
    return np.mean(evidences) / n


@on_the_grid
def test_equals_the_algorithm(case):
    features, labels = features_of(case)
    assert METRIC(features, labels) == pytest.approx(naive_official(features, labels), rel=1e-6)


def test_is_the_evidence_where_the_rank_is_the_width():
    features, labels = features_of("200x32x4")
    assert METRIC(features, labels) == pytest.approx(LOGME(features, labels), rel=1e-3)


def test_is_far_off_where_the_rank_is_less():
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((50, 200)), np.arange(50) % 5
    assert METRIC(features, labels) > 5 > 0 > LOGME(features, labels)


@pytest.mark.parametrize(("n", "d", "dead"), [(300, 64, 1), (300, 64, 40), (80, 120, 60)])
def test_directions_that_hold_nothing_count_as_in_the_public_code(n, d, dead):
    rng = np.random.default_rng(0)
    features, labels = np.maximum(rng.standard_normal((n, d)), 0), np.arange(n) % 5
    features[:, rng.permutation(d)[:dead]] = 0
    assert METRIC(features, labels) == pytest.approx(naive_official(features, labels), rel=1e-6)
    features[1] = features[0]
    assert METRIC(features, labels) == pytest.approx(naive_official(features, labels), rel=1e-6)
