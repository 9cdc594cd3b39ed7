"""Held-out scores of linear classifiers whose training needs class moments only.

The moments of each fold are gathered once, for all metrics; those of a training part are the sum
over the other folds, so k folds cost no more than one. They are added up rather than subtracted
from a total because an outlier in the held-out fold would leave its rounding error behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from featrank.errors import InputError
from featrank.labelled.balanced_accuracy import balanced_accuracy, hits_by_class
from featrank.labelled.folds import classes_by_first_row, fold_rows
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Float64Array, Moments, rows_as_they_are, sum_by_class
from featrank.labelled.remarks import unpredictable
from featrank.records import IntArray, Score

# A range below this counts as constant: the reciprocal of its square would overflow. float32 values
# that differ at all differ by more.
NEGLIGIBLE = 1e-100

Prepare = Callable[[Float64Array], Float64Array]


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

    def __call__(self, rows: Float64Array) -> Float64Array:
        logits: Float64Array = rows @ self.weights
        logits += self.bias
        return logits


class FoldedLayer:
    """A layer's rows cut into stratified folds.

    Rows in memory are taken in canonical order and classes numbered by their first row in it, so
    that not even rounding or an exact tie depends on the order of rows or on the names of classes.
    Streamed rows are taken as they are stored.

    Args:
        labelled: Features and labels.
        folds: Number of folds; fewer where the classes are too small.
        seed: Shuffles the rows between folds.
        prepare: Maps a float64 block of rows to the rows that the metric sees.

    Attributes:
        counts: ``(n_classes,)`` in this layer's numbering of classes.
        labels: ``(n_samples,)`` likewise.
        shift: ``(n_features,)`` the mean of the prepared rows.
    """

    def __init__(
        self,
        labelled: Labelled,
        folds: int,
        seed: int,
        prepare: Prepare = rows_as_they_are,
    ) -> None:
        self.source = labelled.rows
        self._prepare = prepare
        self.seed = seed
        by_fold: list[IntArray] = labelled.remember(
            ("folds", folds, seed), lambda: fold_rows(labelled, folds, seed)
        )
        self.folds = len(by_fold)
        self.order = np.concatenate(by_fold)
        self._fold = np.empty(labelled.n_samples, np.int16)
        for fold, members in enumerate(by_fold):
            self._fold[members] = fold
        number = np.argsort(classes_by_first_row(labelled.labels[self.order]))
        self.labels = number[labelled.labels]
        self.counts = np.bincount(self.labels, minlength=labelled.n_classes)
        # Linear rules do not mind a shift, and around the mean their terms cancel less.
        self.shift: Float64Array = np.zeros(labelled.n_features)
        sums = np.zeros((labelled.n_classes, labelled.n_features))
        for found, rows in self.prepared_blocks():
            sums += sum_by_class(self.labels[found], rows, len(sums))
        self.shift = sums.sum(axis=0) / labelled.n_samples
        self.centres = sums / self.counts[:, None] - self.shift
        self._moments: dict[bool, list[Moments]] = {}

    def moments(self, *, full: bool) -> list[Moments]:
        """The moments of each fold, with all second moments or only their diagonal."""
        if full not in self._moments:
            moments = [Moments.empty(self.centres, full=full) for _ in range(self.folds)]
            for fold, labels, rows in self.blocks():
                moments[fold].gather(labels, rows)
            self._moments[full] = moments
        return self._moments[full]

    def require_variation(self) -> None:
        """Refuse features that carry nothing.

        Raises:
            InputError: All prepared rows are equal.
        """
        moments = next(iter(self._moments.values()), None) or self.moments(full=False)
        low = np.min([part.low for part in moments], axis=0)
        high = np.max([part.high for part in moments], axis=0)
        # Its square must not vanish either.
        if not (high - low).max() > NEGLIGIBLE:
            raise InputError("features are constant: every sample has the same")

    def training(self, moments: Sequence[Moments]) -> Iterator[Moments]:
        """What each fold's rule is trained on: the moments of the others together."""
        for fold in range(self.folds):
            yield Moments.union([*moments[:fold], *moments[fold + 1 :]])

    def score(self, moments: Sequence[Moments], fit: Callable[[Moments], LinearRule]) -> Score:
        """The held-out score of a rule; see :meth:`evaluate`."""
        return self.evaluate([fit(training) for training in self.training(moments)])

    def evaluate(self, rules: Sequence[LinearRule]) -> Score:
        """Held-out balanced accuracy, pooled over the folds.

        Balanced accuracy is the mean over all classes of the recall. The tie-break is the mean
        log posterior of the true class. A class that is absent from a training part cannot be
        predicted there: it costs recall, and its rows are left out of the log posterior.
        """
        hits = np.zeros(len(self.counts))
        total, known = 0.0, 0
        for fold, labels, rows in self.blocks():
            rule = rules[fold]
            logits = rule(rows)
            predicted = rule.classes[logits.argmax(axis=1)]
            hits += hits_by_class(labels, predicted, len(hits))
            log_posteriors = _log_posterior(logits, labels, rule.classes)
            total += float(log_posteriors.sum())
            known += len(log_posteriors)
        mean = total / known
        details: dict[str, Any] = {
            "folds": self.folds,
            "seed": self.seed,
            "mean_log_posterior": mean,
            "unpredictable": len(self.labels) - known,
        }
        return Score(
            balanced_accuracy(hits, self.counts),
            mean,
            details,
            remarks=tuple(unpredictable(details["unpredictable"])),
        )

    def prepared_blocks(
        self, order: IntArray | None = None
    ) -> Iterator[tuple[IntArray, Float64Array]]:
        """Which rows, and the rows: prepared and centred, a block at a time.

        Args:
            order: The rows wanted; streamed rows come all and as they are stored.
        """
        for found, block in self.source.blocks(self.order if order is None else order):
            rows = self._prepare(block.astype(np.float64))
            rows -= self.shift
            yield found, rows

    def blocks(self) -> Iterator[tuple[int, IntArray, Float64Array]]:
        """Fold, labels and rows, each block of one fold."""
        for found, rows in self.prepared_blocks():
            fold_of = self._fold[found]
            present = np.unique(fold_of).tolist()
            for fold in present:
                here = fold_of == fold if len(present) > 1 else slice(None)
                yield fold, self.labels[found[here]], rows[here]


def folded(
    labelled: Labelled, folds: int, seed: int, prepare: Prepare = rows_as_they_are
) -> FoldedLayer:
    """The layer in folds, shared by all metrics that ask for the same ones."""
    return labelled.remember(
        ("folded", folds, seed, prepare), lambda: FoldedLayer(labelled, folds, seed, prepare)
    )


def _log_posterior(logits: Float64Array, labels: IntArray, classes: IntArray) -> Float64Array:
    """The log posterior of the true class, of the rows whose class the rule knows."""
    column = np.searchsorted(classes, labels)
    known = classes[np.minimum(column, len(classes) - 1)] == labels
    known_logits = logits[known] - logits[known].max(axis=1, keepdims=True, initial=-np.inf)
    true = known_logits[np.arange(len(known_logits)), column[known]]
    posterior: Float64Array = true - np.log(np.exp(known_logits).sum(axis=1))
    return posterior
