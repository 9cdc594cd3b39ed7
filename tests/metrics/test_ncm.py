"""ncm against a plain transcription, fold by fold."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, folds_of, on_the_grid
from sklearn.metrics import balanced_accuracy_score

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.ncm import METRIC


def naive_ncm(features, labels):
    z = np.asarray(features, dtype=np.float64)
    predicted, log_posteriors = np.empty(len(labels), int), []
    for train, test in folds_of(features, labels):
        present = np.unique(labels[train])
        means = {c: z[train & (labels == c)].mean(axis=0) for c in present}
        squares = [((z[i] - means[labels[i]]) ** 2).mean() for i in np.flatnonzero(train)]
        variance = np.mean(squares)
        for i in np.flatnonzero(test):
            distances = np.array([((z[i] - means[c]) ** 2).sum() for c in present])
            predicted[i] = present[distances.argmin()]
            if labels[i] in present:
                logits = -distances / (2 * variance)
                own = logits[list(present).index(labels[i])]
                top = logits.max()
                log_posteriors.append(own - top - np.log(np.exp(logits - top).sum()))
    return balanced_accuracy_score(labels, predicted), np.mean(log_posteriors)


@on_the_grid
def test_equals_the_formula(case):
    features, labels = features_of(case)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    accuracy, log_posterior = naive_ncm(features, labels)
    assert score.value == pytest.approx(accuracy, rel=1e-6)
    assert score.tie_break == pytest.approx(log_posterior, rel=1e-6)


def test_far_apart_is_perfect():
    features, labels = features_of("200x32x4", signal=8.0)
    assert METRIC(features, labels) == 1.0


def test_collapsed_classes_are_perfect():
    assert METRIC(np.repeat(np.eye(3), 4, axis=0), np.arange(12) // 4) == 1.0


def test_noise_scores_chance_however_wide():
    rng = np.random.default_rng(0)
    assert METRIC(rng.standard_normal((200, 900)), np.arange(200) % 5) == pytest.approx(
        0.2, abs=0.1
    )


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        METRIC(np.full((12, 3), 0.1), np.arange(12) % 2)
