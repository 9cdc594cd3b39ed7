"""logme against the Gaussian log density that it maximises, and against a plain fixed point."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.labelled.singular_rows import singular_rows
from featrank.metrics.logme import METRIC, maximum_evidence


def naive_logme(features, labels):
    """The evidence maximised by MacKay's fixed point, class by class, until it stands still.

    Along the singular vectors, where a residual is a product: a difference of long vectors, and
    the eigenvalues of zᵀz where it has not full rank, round to 1e-8, differently by processor.
    """
    z = np.asarray(features, dtype=np.float64)
    n, d = z.shape
    left, s, _ = np.linalg.svd(z, full_matrices=False)
    squares, evidences = s**2, []
    for label in np.unique(labels):
        t = (labels == label).astype(float)
        along = left.T @ t
        beyond = max(t @ t - along @ along, 0.0) if n > d else 0.0
        alpha = beta = 1.0

        def parts(alpha, beta, along=along, beyond=beyond):
            """m², the residual's square, N - γ."""
            precision = alpha + beta * squares
            m = beta * s * along / precision
            unexplained = alpha / precision
            residual = (along * unexplained) @ (along * unexplained) + beyond
            return m @ m, residual, n - len(s) + unexplained.sum()

        for _ in range(100_000):
            before = alpha / beta
            m2, residual2, free = parts(alpha, beta)
            alpha, beta = (n - free) / m2, free / residual2
            ratio = alpha / beta
            # Where the features have no say α grows without end; where they say all, β does.
            if abs(ratio - before) < 1e-9 * before or not (
                1e-10 * squares[-1] < ratio < 1e10 * squares[0]
            ):
                break
        m2, residual2, _ = parts(alpha, beta)
        log_precision = np.log(alpha + beta * squares).sum() + (d - len(s)) * np.log(alpha)
        evidences.append(
            n / 2 * np.log(beta) + d / 2 * np.log(alpha) - n / 2 * np.log(2 * np.pi)
            - beta / 2 * residual2 - alpha / 2 * m2 - log_precision / 2
        )  # fmt: skip
    return np.mean(evidences) / n


def test_a_maximum_at_the_edge_is_reached():
    """Where the features say all, λ → 0: the evidence has its limit there, known in closed form.

    We stop at e^-20 = 2e-9 of the least squared singular value.
    """
    features, labels = features_of("60x256x3")
    left, s, _ = np.linalg.svd(features.astype(np.float64), full_matrices=False)
    n, limits = len(labels), []
    for label in range(3):
        quotient = ((left.T @ (labels == label)) ** 2 / s**2).sum()
        limits.append(-n / 2 * (np.log(2 * np.pi * quotient / n) + 1) - np.log(s).sum())
    assert METRIC(features, labels) == pytest.approx(np.mean(limits) / n, abs=3e-9)


@on_the_grid
def test_equals_the_fixed_point(case):
    features, labels = features_of(case)
    expected = naive_logme(features, labels)
    value = METRIC(features, labels)
    assert value == pytest.approx(expected, rel=1e-4)
    assert value >= expected - 3e-9


@pytest.mark.parametrize(("n", "d"), [(200, 50), (50, 200), (40, 40)])
def test_is_the_maximum_of_the_gaussian_density(n, d):
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((n, d)), np.arange(n) % 4
    z[:, :4] += np.eye(4)[labels]
    singular = singular_rows(Labelled.from_arrays(z, labels), standardised=False)
    evidences, alphas, betas = maximum_evidence(singular, n)
    kernel, axes = np.linalg.eigh(z @ z.T)
    best = []
    for label in range(4):
        t = (labels == label).astype(float)

        def density(log_alpha, log_beta, t=t):
            """ln N(t; 0, I/β + ZZᵀ/α), along the covariance's axes."""
            variances = np.exp(-log_beta) + np.maximum(kernel, 0.0) * np.exp(-log_alpha)
            squared = (axes.T @ t) ** 2
            return -0.5 * (np.log(2 * np.pi * variances) + squared / variances).sum()

        # Classes are numbered by the rows: find ours by its evidence.
        points = np.log(np.stack([alphas, betas], axis=1))
        here = np.argmin(np.abs([density(*x) - e for x, e in zip(points, evidences, strict=True)]))
        covariance = np.eye(n) / betas[here] + z @ z.T / alphas[here]
        exact = multivariate_normal.logpdf(t, np.zeros(n), covariance)
        assert exact == pytest.approx(evidences[here], rel=1e-9)
        found = minimize(
            lambda x: -density(*x), points[here] + [0.5, -0.5],
            method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9},
        )  # fmt: skip
        best.append(-found.fun)
    value = METRIC(z, labels)
    assert value == pytest.approx(np.mean(best) / n, abs=1e-8)


def test_features_without_a_say_leave_the_noise_alone():
    # Orthogonal to every indicator: t ~ N(0, 1/β) with 1/β = mean t².
    features = np.tile([[1.0], [-1.0]], (10, 1))
    labels = np.repeat([0, 1], 10)
    expected = -0.5 * (np.log(2 * np.pi * 0.5) + 1)
    assert METRIC(features, labels) == pytest.approx(expected, rel=1e-6)


def test_duplicating_features_changes_nothing():
    features, labels = features_of("200x32x4")
    twice = np.hstack([features, features])
    assert METRIC(twice, labels) == pytest.approx(METRIC(features, labels), rel=1e-6)


def test_scale_does_not_matter():
    features, labels = features_of("60x256x3")
    assert METRIC(features * 2.0**20, labels) == pytest.approx(METRIC(features, labels), rel=1e-6)


def test_classes_determined_exactly_are_an_error():
    with pytest.raises(InputError, match="no bound"):
        METRIC(np.repeat(np.eye(3), 5, axis=0), np.arange(15) // 5)
