"""sfda against a Fisher space from eigenvectors, fold by fold."""

from __future__ import annotations

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from scipy.linalg import eigh
from sklearn.covariance import ledoit_wolf_shrinkage

from featrank.errors import InputError
from featrank.labelled.folds import stratified_folds
from featrank.labelled.labelled import Labelled
from featrank.metrics.sfda import METRIC


def naive_sfda(features, labels):
    fold_of = stratified_folds(Labelled.from_arrays(features, labels))
    features, labels = as_float64(features, labels)
    probabilities = []
    for fold in range(fold_of.max() + 1):
        z, y = features[fold_of != fold], labels[fold_of != fold]
        own = _fisher_posteriors(z, y, z)
        mixed = np.empty_like(z)
        for i in range(len(z)):
            p = own[i, y[i]]
            mixed[i] = p * z[i] + (1 - p) * z[y != y[i]].mean(axis=0)
        held_out = fold_of == fold
        posteriors = _fisher_posteriors(mixed, y, features[held_out], labels.max() + 1)
        probabilities += [row[c] for row, c in zip(posteriors, labels[held_out], strict=True)]
    return np.mean(probabilities)


def _fisher_posteriors(z, y, tested, n_classes=None):
    """Posteriors in the space of the discriminant directions, classes by number."""
    present = np.unique(y)
    means = np.array([z[y == c].mean(axis=0) for c in present])
    shares = np.array([(y == c).mean() for c in present])
    within = z - means[np.searchsorted(present, y)]
    d = z.shape[1]
    covariance = within.T @ within / len(z)
    shrinkage = max(1e-6, ledoit_wolf_shrinkage(within, assume_centered=True))
    covariance = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / d * np.eye(d)
    centred = means - z.mean(axis=0)
    between = (shares[:, None] * centred).T @ centred
    _, directions = eigh(between, covariance)
    directions = directions[:, -min(d, len(present) - 1) :]
    log_densities = np.stack(
        [-0.5 * (((tested - mean) @ directions) ** 2).sum(axis=1) for mean in means], axis=1
    ) + np.log(shares)
    densities = np.exp(log_densities - log_densities.max(axis=1, keepdims=True))
    posteriors = np.zeros((len(tested), n_classes or y.max() + 1))
    posteriors[:, present] = densities / densities.sum(axis=1, keepdims=True)
    return posteriors


@every_case
def test_equals_the_formula(features, labels):
    assert METRIC(features, labels) == pytest.approx(naive_sfda(features, labels), rel=1e-6)


def test_a_class_of_one_has_probability_zero():
    features, labels = gaussian_classes([20, 1, 12], 5)
    assert METRIC(features, labels) == pytest.approx(naive_sfda(features, labels), rel=1e-6)


def test_noise_scores_chance_however_wide():
    features = np.random.default_rng(0).standard_normal((200, 1000))
    assert METRIC(features, np.arange(200) % 5) == pytest.approx(0.2, abs=0.05)


def test_far_apart_is_nearly_perfect():
    features, labels = gaussian_classes([30, 30, 30], 10, signal=9.0)
    assert METRIC(features, labels) > 0.999


def test_scale_does_not_matter():
    features, labels = gaussian_classes([20, 20], 6)
    assert METRIC(1e5 * features, labels) == pytest.approx(METRIC(features, labels), rel=1e-9)


def test_without_variation_inside_classes():
    features = np.repeat(np.eye(3), 6, axis=0)
    assert METRIC(features, np.arange(18) // 6) > 0.5


def test_single_samples_only_are_an_error():
    with pytest.raises(InputError, match="single sample"):
        METRIC(np.eye(4), [0, 1, 2, 3])


@pytest.mark.parametrize("scale", [1.0, 1.3, 100.0])
def test_without_variation_inside_the_classes_the_nearest_mean_is_certain(scale):
    labels = np.arange(40) % 4
    assert METRIC(scale * np.eye(4)[labels], labels) == 1.0
    rng = np.random.default_rng(1)
    pairs = np.arange(20) // 2
    features = 0.3 * rng.standard_normal((20, 8)) + 4 * rng.standard_normal((10, 8))[pairs]
    assert METRIC(scale * features, pairs) == pytest.approx(1.0)
