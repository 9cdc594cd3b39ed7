"""Labelled features of the sizes that every metric is compared on with its transcription."""

from __future__ import annotations

import numpy as np
import pytest

CASES = {
    "200x32x4": (200, 32, 4),
    "60x256x3": (60, 256, 3),
    "1000x64x50": (1000, 64, 50),
    "500x512x10": (500, 512, 10),
    "imbalanced": ([80, 33, 9, 5, 2, 2], 24, 6),
}

on_the_grid = pytest.mark.parametrize("case", CASES)


def features_of(case, *, signal=0.5, seed=3):
    """float32 features with unequal scales and a mean, and shuffled labels from 0."""
    counts, width, n_classes = CASES[case]
    rng = np.random.default_rng(seed)
    sizes = counts if isinstance(counts, list) else np.full(n_classes, counts // n_classes)
    labels = rng.permutation(np.repeat(np.arange(n_classes), sizes))
    features = signal * rng.standard_normal((n_classes, width))[labels]
    features += rng.standard_normal((len(labels), width)) @ (
        np.eye(width) + 0.3 * rng.standard_normal((width, width)) / np.sqrt(width)
    )
    features *= np.exp(0.5 * rng.standard_normal(width))
    return (features + rng.standard_normal(width)).astype(np.float32), labels


def scatter_of(features, labels):
    """Σ_W, Σ_B and their sum from their definitions, in float64, denominators N."""
    z = np.asarray(features, dtype=np.float64)
    mean, n, d = z.mean(axis=0), *z.shape
    within, between = np.zeros((d, d)), np.zeros((d, d))
    for label in np.unique(labels):
        rows = z[labels == label]
        centre = rows.mean(axis=0)
        for row in rows:
            within += np.outer(row - centre, row - centre) / n
        between += len(rows) / n * np.outer(centre - mean, centre - mean)
    return within, between, within + between


def folds_of(features, labels, folds=5, seed=0):
    """Training rows, test rows of every fold."""
    from featrank.labelled.folds import stratified_folds
    from featrank.labelled.labelled import Labelled

    fold_of = stratified_folds(Labelled.from_arrays(features, labels), folds, seed)
    return [(fold_of != fold, fold_of == fold) for fold in range(fold_of.max() + 1)]


def in_blocks(features, labels, rows=37):
    """Starts reading features and labels in blocks of so many rows."""

    def read():
        for start in range(0, len(labels), rows):
            yield features[start : start + rows], labels[start : start + rows]

    return read
