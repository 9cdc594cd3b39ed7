"""ridge against scikit-learn's, fold by fold."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, folds_of, on_the_grid
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.ridge import METRIC


def naive_ridge(features, labels, strength):
    z = np.asarray(features, dtype=np.float64)
    predicted, logs = np.empty(len(labels), int), []
    for train, test in folds_of(features, labels):
        present = np.unique(labels[train])
        targets = (labels[train][:, None] == present).astype(float)
        penalty = strength * z[train].var(axis=0).sum()
        outputs = Ridge(alpha=penalty, solver="svd").fit(z[train], targets).predict(z[test])
        outputs = outputs.reshape(test.sum(), len(present))
        predicted[test] = present[outputs.argmax(axis=1)]
        for row, label in zip(outputs, labels[test], strict=True):
            if label in present:
                logs.append(row[list(present).index(label)] - np.log(np.exp(row).sum()))
    return balanced_accuracy_score(labels, predicted), np.mean(logs)


@on_the_grid
@pytest.mark.parametrize("strength", [1.0, 0.05])
def test_equals_the_formula(case, strength):
    features, labels = features_of(case)
    score = METRIC.score(Labelled.from_arrays(features, labels), strength=strength)
    accuracy, log_share = naive_ridge(features, labels, strength)
    assert score.value == pytest.approx(accuracy, rel=1e-6)
    assert score.tie_break == pytest.approx(log_share, rel=1e-6)


def test_scale_and_offset_do_not_matter():
    features, labels = features_of("60x256x3")
    plain = METRIC.score(Labelled.from_arrays(features, labels))
    moved = METRIC.score(Labelled.from_arrays(features.astype(float) * 8 + 3, labels))
    assert moved.value == plain.value
    assert moved.tie_break == pytest.approx(plain.tie_break, rel=1e-9)


def test_noise_scores_chance_however_wide():
    rng = np.random.default_rng(0)
    assert METRIC(rng.standard_normal((200, 900)), np.arange(200) % 5) == pytest.approx(
        0.2, abs=0.1
    )


def test_nothing_left_in_a_training_part_predicts_the_largest_class():
    features = np.zeros((12, 2))
    features[0] = 1.0
    assert METRIC(features, [1] + [0] * 8 + [1] * 3) == 0.5


def test_impossible_strength_is_an_error():
    with pytest.raises(InputError, match="strength"):
        METRIC(np.eye(8), [0, 1] * 4, strength=0.0)
