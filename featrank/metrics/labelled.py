"""Features with their labels, checked once, and the class statistics that metrics share."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError
from featrank.records import FloatArray, IntArray

# Rows looked at together when checking for NaN: bounds the temporary mask, not the features.
_CHECK_ROWS = 4096

# No network's features come near; beyond it, fourth powers would leave float64.
_LARGEST = 1e30


class Labelled:
    """Checked features and labels of one layer.

    Attributes:
        features: ``(n_samples, n_features)``, float32 or float64, never copied when it is so
            already; callers' arrays are not written to.
        labels: ``(n_samples,)`` int, indices into ``classes``.
        classes: The labels as given, sorted.
    """

    def __init__(self, features: FloatArray, labels: IntArray, classes: tuple[Any, ...]) -> None:
        self.features = features
        self.labels = labels
        self.classes = classes

    @classmethod
    def from_arrays(cls, features: npt.ArrayLike, labels: npt.ArrayLike) -> Labelled:
        """Check and encode.

        Raises:
            InputError: Not two-dimensional, no rows or columns, lengths differ, NaN, infinity
                or values beyond 1e30, labels that are neither integers nor strings, or fewer than
                two classes.
        """
        array = _as_array(features, "features")
        if array.ndim != 2:
            raise InputError(f"features must have shape (n_samples, n_features), got {array.shape}")
        if array.shape[0] == 0 or array.shape[1] == 0:
            raise InputError(f"features are empty: shape {array.shape}")
        if array.dtype.kind not in "fiub":
            raise InputError(f"features must be real numbers, got {array.dtype}")
        if array.dtype not in (np.float32, np.float64):
            array = array.astype(np.float32 if array.dtype == np.float16 else np.float64)
        _check_values(array)
        given = _as_array(labels, "labels")
        if given.ndim != 1:
            raise InputError(f"labels must have shape (n_samples,), got {given.shape}")
        if len(given) != len(array):
            raise InputError(f"{len(array)} rows of features but {len(given)} labels")
        given = _as_discrete(given)
        classes, encoded = np.unique(given, return_inverse=True)
        if len(classes) < 2:
            raise InputError(f"only one class ('{classes[0]}'): nothing to tell apart")
        return cls(array, encoded.astype(np.int64), tuple(classes.tolist()))

    @property
    def n_samples(self) -> int:
        return len(self.features)

    @property
    def n_features(self) -> int:
        return int(self.features.shape[1])

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @cached_property
    def counts(self) -> IntArray:
        """``(n_classes,)``: samples in each class."""
        return np.bincount(self.labels, minlength=self.n_classes)

    def rows_of(self, label: int) -> IntArray:
        """Indices of one class's rows."""
        return self._by_class[self._starts[label] : self._starts[label + 1]]

    @cached_property
    def _by_class(self) -> IntArray:
        return np.argsort(self.labels, kind="stable")

    @cached_property
    def _starts(self) -> IntArray:
        return np.concatenate([[0], np.cumsum(self.counts)])


def _as_array(values: npt.ArrayLike, noun: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise InputError(f"{noun} are not an array: {error}") from None


def _check_values(features: FloatArray) -> None:
    for start in range(0, len(features), _CHECK_ROWS):
        # Compared so that NaN fails as well.
        usable = (np.abs(features[start : start + _CHECK_ROWS]) <= _LARGEST).all(axis=1)
        if not usable.all():
            row = start + int(np.argmin(usable))
            if np.isfinite(features[row]).all():
                raise InputError(f"features hold values beyond {_LARGEST:g}, first in row {row}")
            raise InputError(f"features hold NaN or infinity, first in row {row}")


def _as_discrete(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Labels that can be sorted; whole floats and objects become what they hold."""
    if labels.dtype.kind == "f" and (np.abs(labels) < 2**53).all():
        whole = labels.astype(np.int64)
        labels = whole if (whole == labels).all() else labels
    elif labels.dtype.kind == "O":
        for kind in (str, (int, np.integer)):
            if all(isinstance(label, kind) for label in labels):
                return np.array(labels.tolist())
    if labels.dtype.kind not in "iubUST":
        raise InputError(f"labels must be integers or strings, got {labels.dtype}")
    return labels
