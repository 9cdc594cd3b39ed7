"""Held-out scores of linear classifiers whose training needs class moments only.

The moments of each fold are gathered once; those of a training part are the sum over the other
folds, so k folds cost no more than one. They are added up rather than subtracted
from a total because an outlier in the held-out fold would leave its rounding error behind.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from featrank.metrics.folds import fold_rows
from featrank.metrics.labelled import Labelled
from featrank.records import FloatArray, IntArray, Score

Float64Array = npt.NDArray[np.float64]

# Values of a float64 block of rows (64 MiB): the features are never copied whole.
_BLOCK_VALUES = 2**23


@dataclass(frozen=True, slots=True)
class Moments:
    """What a set of rows leaves behind.

    Attributes:
        centres: ``(n_classes, n_features)`` the mean of each class over the whole layer. Deviations
            are taken from there, so that well separated classes do not cancel.
        counts: ``(n_classes,)`` rows of each class.
        deviations: ``(n_classes, n_features)`` summed over the rows.
        squares: ``(n_features, n_features)`` second moments of the deviations, or
            ``(n_features,)``: their diagonal.
        low: ``(n_features,)`` smallest values.
        high: ``(n_features,)`` largest values.
    """

    centres: Float64Array
    counts: IntArray
    deviations: Float64Array
    squares: Float64Array
    low: Float64Array
    high: Float64Array

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.centres,
            self.counts + other.counts,
            self.deviations + other.deviations,
            self.squares + other.squares,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )

    @property
    def n_samples(self) -> int:
        return int(self.counts.sum())

    @property
    def present(self) -> IntArray:
        """The classes that have rows here."""
        return np.flatnonzero(self.counts)

    @property
    def means(self) -> Float64Array:
        """``(n_present, n_features)``."""
        present = self.present
        means: Float64Array = (
            self.centres[present] + self.deviations[present] / self.counts[present, None]
        )
        return means

    def scatter(self) -> Float64Array:
        """Sum over rows of the squared deviation from the class mean, shaped as ``squares``."""
        scaled = self.deviations[self.present] / np.sqrt(self.counts[self.present, None])
        if self.squares.ndim == 1:
            # Rounding must not leave a negative variance.
            return np.asarray(np.maximum(self.squares - np.square(scaled).sum(axis=0), 0.0))
        return np.asarray(self.squares - scaled.T @ scaled)


@dataclass(frozen=True, slots=True)
class LinearRule:
    """A trained classifier: ``rows @ weights + bias`` is the log posterior up to a constant.

    Attributes:
        weights: ``(n_features, n_present)``.
        bias: ``(n_present,)``.
        classes: ``(n_present,)``: the class of each column.
    """

    weights: Float64Array
    bias: Float64Array
    classes: IntArray


class FoldedLayer:
    """A layer's rows cut into stratified folds.

    Rows are taken in canonical order and classes numbered by their first row in it, so that not
    even rounding or an exact tie depends on the order of rows or on the names of classes.

    Args:
        labelled: Features and labels.
        folds: Number of folds; fewer where the classes are too small.
        seed: Shuffles the rows between folds.
        prepare: Maps a float64 block of rows to the rows that the classifier sees.
    """

    def __init__(
        self,
        labelled: Labelled,
        folds: int,
        seed: int,
        prepare: Callable[[Float64Array], Float64Array] = np.asarray,
    ) -> None:
        self._features: FloatArray = labelled.features
        self._prepare = prepare
        self._seed = seed
        self._rows = fold_rows(labelled, folds, seed)
        self._labels = _by_first_row(labelled.labels, np.concatenate(self._rows))
        self._n_classes = labelled.n_classes
        self._shift: Float64Array = np.zeros(labelled.n_features)
        sums = np.zeros((labelled.n_classes, labelled.n_features))
        for fold in range(self.folds):
            for labels, rows in self._blocks(fold):
                sums += self._sum_by_class(labels, rows)
        # Linear rules do not mind a shift, and around the mean their terms cancel less.
        self._shift = sums.sum(axis=0) / labelled.n_samples
        counts = np.bincount(self._labels, minlength=self._n_classes)
        self._centres = sums / counts[:, None] - self._shift

    @property
    def folds(self) -> int:
        return len(self._rows)

    def moments(self, *, full: bool) -> list[Moments]:
        """The moments of each fold, with all second moments or only their diagonal."""
        return [
            functools.reduce(
                operator.add,
                (self._moments(labels, rows, full) for labels, rows in self._blocks(fold)),
            )
            for fold in range(self.folds)
        ]

    def score(self, moments: list[Moments], fit: Callable[[Moments], LinearRule]) -> Score:
        """Held-out balanced accuracy, pooled over the folds.

        Balanced accuracy is the mean over all classes of the recall. The tie-break is the mean
        log posterior of the true class. A class that is absent from a training part cannot be
        predicted there: it costs recall, and its rows are left out of the log posterior.
        """
        hits = np.zeros(self._n_classes)
        log_posteriors: list[Float64Array] = []
        for fold in range(self.folds):
            others = moments[:fold] + moments[fold + 1 :]
            rule = fit(functools.reduce(operator.add, others))
            for labels, rows in self._blocks(fold):
                logits = rows @ rule.weights + rule.bias
                predicted = rule.classes[logits.argmax(axis=1)]
                hits += np.bincount(labels[predicted == labels], minlength=self._n_classes)
                log_posteriors.append(_log_posterior(logits, labels, rule.classes))
        counts = np.bincount(self._labels, minlength=self._n_classes)
        known = np.concatenate(log_posteriors)
        mean = float(known.mean())
        details: dict[str, Any] = {
            "folds": self.folds,
            "seed": self._seed,
            "mean_log_posterior": mean,
            "unpredictable": len(self._labels) - len(known),
        }
        return Score(float((hits / counts).mean()), mean, details)

    def _blocks(self, fold: int) -> Iterator[tuple[IntArray, Float64Array]]:
        """The labels and the prepared, centred rows of one fold, a block at a time."""
        step = max(1, _BLOCK_VALUES // self._features.shape[1])
        for start in range(0, len(self._rows[fold]), step):
            rows = self._rows[fold][start : start + step]
            block = self._prepare(self._features[rows].astype(np.float64))
            yield self._labels[rows], block - self._shift

    def _moments(self, labels: IntArray, rows: Float64Array, full: bool) -> Moments:
        deviations = rows - self._centres[labels]
        return Moments(
            centres=self._centres,
            counts=np.bincount(labels, minlength=self._n_classes),
            deviations=self._sum_by_class(labels, deviations),
            squares=deviations.T @ deviations if full else np.square(deviations).sum(axis=0),
            low=rows.min(axis=0),
            high=rows.max(axis=0),
        )

    def _sum_by_class(self, labels: IntArray, rows: Float64Array) -> Float64Array:
        """``(n_classes, n_features)``."""
        from scipy.sparse import csr_array

        members = csr_array(
            (np.ones(len(labels)), (labels, np.arange(len(labels)))),
            shape=(self._n_classes, len(labels)),
        )
        return np.asarray(members @ rows)


def _by_first_row(labels: IntArray, order: IntArray) -> IntArray:
    """Labels renumbered by where each class first comes up in ``order``."""
    _, first = np.unique(labels[order], return_index=True)
    return np.argsort(np.argsort(first))[labels]


def _log_posterior(logits: Float64Array, labels: IntArray, classes: IntArray) -> Float64Array:
    """The log posterior of the true class, of the rows whose class the rule knows."""
    column = np.searchsorted(classes, labels)
    known = classes[np.minimum(column, len(classes) - 1)] == labels
    known_logits = logits[known] - logits[known].max(axis=1, keepdims=True, initial=-np.inf)
    true = known_logits[np.arange(len(known_logits)), column[known]]
    posterior: Float64Array = true - np.log(np.exp(known_logits).sum(axis=1))
    return posterior
