"""gda against a plain transcription of its formula, fold by fold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from featrank.errors import InputError
from featrank.labelled.folds import stratified_folds
from featrank.labelled.labelled import Labelled
from featrank.metrics.gda import METRIC


def naive_gda(features, labels, folds=5, seed=0):
    """Balanced accuracy and mean log posterior, with the formulas as printed."""
    fold_of = stratified_folds(Labelled.from_arrays(features, labels), folds, seed)
    _, labels = np.unique(labels, return_inverse=True)
    features = np.asarray(features, dtype=np.float64)
    norms = np.sqrt((features**2).sum(axis=1, keepdims=True))
    rows = features / np.where(norms > 0, norms, 1.0)
    predicted, log_posteriors = np.empty(len(labels), int), []
    for fold in range(fold_of.max() + 1):
        test, train = fold_of == fold, fold_of != fold
        z, y = rows[train], labels[train]
        present = np.unique(y)
        means = np.array([z[y == c].mean(axis=0) for c in present])
        centred = z - means[np.searchsorted(present, y)]
        n, d = z.shape
        covariance = centred.T @ centred / (n - 1)
        precision = d * np.linalg.inv((n - 1) * covariance + np.trace(covariance) * np.eye(d))
        predicted[test] = present[_logits(rows[test], means, precision).argmax(axis=1)]
        scaled = _logits(rows[test], means, precision * (n - 1) / d)
        posterior = scaled - np.log(np.exp(scaled - scaled.max(1)[:, None]).sum(1))[:, None]
        posterior -= scaled.max(1)[:, None]
        for row, label in zip(posterior, labels[test], strict=True):
            if label in present:
                log_posteriors.append(row[np.searchsorted(present, label)])
    return balanced_accuracy_score(labels, predicted), np.mean(log_posteriors)


def _logits(rows, means, precision):
    columns = [
        rows @ precision @ mean + np.log(1 / len(means)) - 0.5 * mean @ precision @ mean
        for mean in means
    ]
    return np.stack(columns, axis=1)


CASES = {
    "balanced": ([20, 20, 20], 6),
    "imbalanced": ([40, 13, 6], 6),
    "class of one": ([15, 1, 12], 5),
    "small classes": ([3, 2, 4], 5),
    "wide": ([12, 12, 9], 120),
}


def _case(counts, n_features, seed=11, signal=0.7):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    centres = signal * rng.standard_normal((len(counts), n_features))
    features = centres[labels] + rng.standard_normal((len(labels), n_features)) + 0.5
    features[:, 1] = 2.5  # a constant column
    return features, labels


@pytest.mark.parametrize(("counts", "n_features"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 4])
def test_equals_the_formula(counts, n_features, dtype, seed):
    features, labels = _case(counts, n_features)
    features, names = features.astype(dtype), np.array(["x", "m", "a"])[labels]
    score = METRIC.score(Labelled.from_arrays(features, names), seed=seed)
    accuracy, log_posterior = naive_gda(features, names, seed=seed)
    assert score.value == pytest.approx(accuracy, rel=1e-6)
    assert score.tie_break == pytest.approx(log_posterior, rel=1e-6)
    assert score.details["mean_log_posterior"] == score.tie_break


def test_small_variation_inside_far_classes_keeps_its_digits():
    # The variance inside the classes is 1e-12 of the total.
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = 1e-6 * rng.standard_normal((60, 8)) + rng.standard_normal((3, 8))[labels]
    features += 3e-6 * np.eye(8)[labels]
    score = METRIC.score(Labelled.from_arrays(features, labels % 2))
    accuracy, log_posterior = naive_gda(features, labels % 2)
    assert score.value == pytest.approx(accuracy, rel=1e-6)
    assert score.tie_break == pytest.approx(log_posterior, rel=1e-6)


def test_far_apart_is_perfect():
    features, labels = _case([15, 15, 15], 10, signal=8.0)
    assert METRIC(features, labels) == 1.0


def test_noise_scores_chance_however_wide():
    values = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        values.append(METRIC(rng.standard_normal((200, 1000)), np.arange(200) % 5))
    assert values[0] == pytest.approx(0.2, abs=0.06)
    assert np.mean(values) == pytest.approx(0.2, abs=0.06)


def test_scale_does_not_matter():
    features, labels = _case([20, 20], 6)
    assert METRIC(7 * features, labels) == METRIC(features, labels)


def test_zero_rows_are_scored():
    features, labels = _case([20, 20], 6)
    features[[0, 7, 9]] = 0.0
    assert METRIC(features, labels) == pytest.approx(naive_gda(features, labels)[0])


def test_without_variation_inside_classes_the_nearest_mean_decides():
    score = METRIC.score(Labelled.from_arrays(np.repeat(np.eye(3), 6, axis=0), np.arange(18) // 6))
    assert score.value == 1.0
    # Unit variance: the true class is at distance 0, the two others at squared distance 2.
    assert score.tie_break == pytest.approx(-np.log(1 + 2 * np.exp(-1)))


@pytest.mark.parametrize("lengths", [np.ones(12), np.arange(1, 13)])
def test_one_direction_is_an_error(lengths):
    with pytest.raises(InputError, match="same direction"):
        METRIC(np.outer(lengths, [3.0, 1.0, 2.0]), np.arange(12) % 2)


def test_details_count_what_cannot_be_predicted():
    features, labels = _case([15, 1, 1, 12], 5)
    details = METRIC.score(Labelled.from_arrays(features, labels)).details
    assert (details["folds"], details["seed"], details["unpredictable"]) == (5, 0, 2)


def test_fewer_folds_where_classes_are_small():
    features, labels = _case([3, 2, 3], 5)
    assert METRIC.score(Labelled.from_arrays(features, labels)).details["folds"] == 3
