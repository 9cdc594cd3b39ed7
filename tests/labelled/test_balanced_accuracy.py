from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from featrank.labelled.balanced_accuracy import balanced_accuracy, hits_by_class


def test_equals_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 7, 300), rng.integers(0, 7, 300)
    hits = hits_by_class(labels, predicted, 7)
    found = balanced_accuracy(hits, np.bincount(labels, minlength=7))
    assert found == pytest.approx(balanced_accuracy_score(labels, predicted), rel=1e-15)


def test_a_class_that_nobody_asked_for_is_left_out() -> None:
    hits = hits_by_class(np.array([0, 0, 2]), np.array([0, 1, 2]), 3)
    assert hits.tolist() == [1, 0, 1]
    assert balanced_accuracy(hits, np.array([2, 0, 1])) == 0.75
