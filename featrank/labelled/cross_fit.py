"""Held-out predictions of classifiers that are trained on rows, not on moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from featrank.labelled.balanced_accuracy import balanced_accuracy, hits_by_class
from featrank.labelled.canonical_sample import CanonicalSample
from featrank.labelled.folds import fold_rows
from featrank.labelled.remarks import unpredictable
from featrank.records import IntArray, Score

Float64Array = npt.NDArray[np.float64]

# Rows ``(n, n_features)`` → log posteriors ``(n, n_present)``, classes in rising order.
Classifier = Callable[[Float64Array], Float64Array]

# Training rows and their labels → a classifier of the classes among them.
Training = Callable[[Float64Array, IntArray], Classifier]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Predictions for every row by a classifier that has not seen it.

    Attributes:
        labels: ``(n_samples,)`` true classes.
        predicted: ``(n_samples,)``.
        log_posterior: ``(n_samples,)`` of the true class; minus infinity where it was absent from
            the training part and so could not be predicted.
        folds: How many there were.
    """

    labels: IntArray
    predicted: IntArray
    log_posterior: Float64Array
    folds: int

    def score(self, details: dict[str, Any]) -> Score:
        """Balanced accuracy; mean log posterior of the predictable rows as tie-break."""
        counts = np.bincount(self.labels)
        hits = hits_by_class(self.labels, self.predicted, len(counts))
        known = self.log_posterior[np.isfinite(self.log_posterior)]
        mean = float(known.mean())
        details = {
            "folds": self.folds,
            **details,
            "mean_log_posterior": mean,
            "unpredictable": len(self.labels) - len(known),
        }
        return Score(
            balanced_accuracy(hits, counts),
            mean,
            details,
            remarks=tuple(unpredictable(details["unpredictable"])),
        )


def cross_fit(sample: CanonicalSample, folds: int, seed: int, train: Training) -> HeldOut:
    """Train on all folds but one, predict that one, for each.

    Raises:
        InputError: Every class has a single sample.
    """
    n_samples, labels = sample.n_samples, sample.labels
    predicted = np.empty(n_samples, dtype=np.int64)
    log_posterior = np.full(n_samples, -np.inf)
    tests = fold_rows(sample, folds, seed)
    for test in tests:
        training = np.ones(n_samples, dtype=np.bool_)
        training[test] = False
        present = np.unique(labels[training])
        classifier = train(sample.features[training], labels[training])
        posteriors = classifier(sample.features[test])
        predicted[test] = present[posteriors.argmax(axis=1)]
        column = np.minimum(np.searchsorted(present, labels[test]), len(present) - 1)
        known = present[column] == labels[test]
        log_posterior[test[known]] = posteriors[known, column[known]]
    return HeldOut(labels, predicted, log_posterior, len(tests))
