"""Sizes on which metrics are compared with plain transcriptions of their formulas."""

from __future__ import annotations

import numpy as np
import pytest

SIZES = {
    "200x32, 4 classes": (200, 32, 4),
    "60x256, 3 classes": (60, 256, 3),
    "1000x64, 50 classes": (1000, 64, 50),
    "500x512, 10 classes": (500, 512, 10),
}


def gaussian_classes(counts, n_features, *, signal=0.5, seed=0):
    """Gaussian classes in shuffled rows, with features of unequal spread and an offset."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    centres = signal * rng.standard_normal((len(counts), n_features))
    features = centres[labels] + rng.standard_normal((len(labels), n_features))
    return features * rng.uniform(0.3, 2.0, n_features) + 0.3, labels


def _balanced(n_samples, n_features, n_classes):
    return gaussian_classes([n_samples // n_classes] * n_classes, n_features)


def _imbalanced():
    features, labels = gaussian_classes([70, 31, 12, 5], 24)
    return features.astype(np.float32), np.array(["d", "a", "z", "b"])[labels]


CASES = {name: _balanced(*size) for name, size in SIZES.items()} | {
    "imbalanced, float32": _imbalanced()
}

every_case = pytest.mark.parametrize(("features", "labels"), CASES.values(), ids=CASES.keys())


def as_float64(features, labels):
    """Input for a transcription: float64, classes from 0."""
    return np.asarray(features, dtype=np.float64), np.unique(labels, return_inverse=True)[1]
