"""nb against a plain transcription of its formula, fold by fold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from featrank.errors import InputError
from featrank.labelled.folds import stratified_folds
from featrank.labelled.labelled import Labelled
from featrank.metrics.nb import METRIC


def naive_nb(features, labels, folds=5, seed=0):
    """Balanced accuracy and mean log posterior, with the formulas as printed."""
    fold_of = stratified_folds(Labelled.from_arrays(features, labels), folds, seed)
    _, labels = np.unique(labels, return_inverse=True)
    features = np.asarray(features, dtype=np.float64)
    predicted, log_posteriors = np.empty(len(labels), int), []
    for fold in range(fold_of.max() + 1):
        train = np.flatnonzero(fold_of != fold)
        low, high = features[train].min(axis=0), features[train].max(axis=0)
        kept = high > low
        scaled = (features[:, kept] - low[kept]) / (high[kept] - low[kept])
        z, y = scaled[train], labels[train]
        present = np.unique(y)
        prior = np.array([(y == c).mean() for c in present])
        means = np.array([z[y == c].mean(axis=0) for c in present])
        variances = np.array([z[y == c].var(axis=0) + 1e-9 for c in present])
        pooled = (prior[:, None] * variances).sum(axis=0)
        for i in np.flatnonzero(fold_of == fold):
            logits = np.log(prior) - 0.5 * ((scaled[i] - means) ** 2 / pooled).sum(axis=1)
            predicted[i] = present[logits.argmax()]
            if labels[i] in present:
                true = logits[np.searchsorted(present, labels[i])]
                top = logits.max()
                log_posteriors.append(true - top - np.log(np.exp(logits - top).sum()))
    return balanced_accuracy_score(labels, predicted), np.mean(log_posteriors)


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
    features = centres[labels] + rng.standard_normal((len(labels), n_features))
    features *= 10.0 ** rng.integers(-3, 4, n_features)
    features[:, 1] = 2.5  # a constant column
    return features, labels


@pytest.mark.parametrize(("counts", "n_features"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 4])
def test_equals_the_formula(counts, n_features, dtype, seed):
    features, labels = _case(counts, n_features)
    features, names = features.astype(dtype), np.array(["x", "m", "a"])[labels]
    score = METRIC.score(Labelled.from_arrays(features, names), seed=seed)
    accuracy, log_posterior = naive_nb(features, names, seed=seed)
    assert score.value == pytest.approx(accuracy, rel=1e-6)
    assert score.tie_break == pytest.approx(log_posterior, rel=1e-6)
    assert score.details["mean_log_posterior"] == score.tie_break


def test_a_feature_that_varies_in_one_fold_only_is_dropped_where_it_does_not():
    features, labels = _case([20, 20, 20], 4)
    features[:, 2] = 0.0
    features[5, 2] = 1e6
    score = METRIC.score(Labelled.from_arrays(features, labels))
    accuracy, log_posterior = naive_nb(features, labels)
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


def test_scale_and_offset_of_features_do_not_matter():
    features, labels = _case([20, 20, 20], 6)
    scale, offset = np.array([2, 0.5, 8, 4, 1, 0.25]), np.array([0, 1, -3, 5, 2, 9])
    plain = METRIC.score(Labelled.from_arrays(features, labels))
    other = METRIC.score(Labelled.from_arrays(features * scale + offset, labels))
    assert other.value == plain.value
    assert other.tie_break == pytest.approx(plain.tie_break, rel=1e-6)


def test_the_rarest_scales_stay_finite():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((30, 4)) * [1e29, 1e-40, 1e-90, 1e-310]
    score = METRIC.score(Labelled.from_arrays(features, np.arange(30) % 3))
    assert np.isfinite([score.value, score.tie_break]).all()


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        METRIC(np.ones((12, 3)), np.arange(12) % 2)


def test_nothing_left_in_a_training_part_predicts_the_largest_class():
    # One row differs; where it is held out, the training part has no feature left.
    features = np.zeros((12, 2))
    features[0] = 1.0
    labels = [1] + [0] * 8 + [1] * 3
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == 0.5
    assert score.tie_break == pytest.approx(naive_nb(features, labels)[1], rel=1e-6)


def test_details_count_what_cannot_be_predicted():
    features, labels = _case([15, 1, 1, 12], 5)
    details = METRIC.score(Labelled.from_arrays(features, labels)).details
    assert (details["folds"], details["seed"], details["unpredictable"]) == (5, 0, 2)
