"""Features with their labels, checked once, and the class statistics that metrics share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError
from featrank.labelled.row_source import HEAD_COLUMNS, ArrayRows, Blocks, RowSource, StreamedRows
from featrank.records import FloatArray, IntArray

T = TypeVar("T")
S = TypeVar("S", bound=np.generic)

# Values looked at together when checking for NaN.
_CHECK_VALUES = 2**18

# No network's features come near; beyond it, fourth powers would leave float64.
_LARGEST = 1e30


class Labelled:
    """Checked features and labels of one layer, in memory or streamed.

    Attributes:
        rows: Where the features come from.
        labels: ``(n_samples,)`` int, indices into ``classes``.
        classes: The labels as given, sorted.
        groups: ``(n_samples,)`` int, equal for rows that may not stand on both sides of a held-out
            split; None where every row stands alone.
    """

    def __init__(
        self,
        features: FloatArray | RowSource,
        labels: IntArray,
        classes: tuple[Any, ...],
        groups: IntArray | None = None,
    ) -> None:
        # All metrics see the same rows: one that wrote to them would change the others' numbers.
        self.rows: RowSource = (
            ArrayRows(_read_only(features)) if isinstance(features, np.ndarray) else features
        )
        self.labels = _read_only(labels)
        self.classes = classes
        self.groups = groups
        self._shared: dict[Hashable, Any] = {}
        self._of_rows: dict[Hashable, Any] = {}

    @classmethod
    def from_arrays(
        cls,
        features: npt.ArrayLike,
        labels: npt.ArrayLike,
        groups: IntArray | None = None,
    ) -> Labelled:
        """Check and encode.

        Raises:
            InputError: Not two-dimensional, no rows or columns, lengths differ, NaN, infinity
                or values beyond 1e30, labels that are neither integers nor strings, or fewer than
                two classes.
        """
        array = _as_features(features)
        if array.shape[0] == 0:
            raise InputError(f"features are empty: shape {array.shape}")
        _check_values(array)
        return cls(array, *_encode(_as_labels(labels, len(array))), groups)

    @classmethod
    def from_blocks(cls, read: Blocks, groups: IntArray | None = None) -> Labelled:
        """Check and encode rows that are never in memory together.

        Metrics that need "moments" run on them with memory that does not grow with the number of
        rows, but for a label, a fold and 16 columns of each. Labels and rows must come out the
        same whenever they are read.

        Args:
            read: Starts reading from the first row: blocks of ``(features, labels)``, each as for
                :meth:`from_arrays`.
            groups: As the attribute.

        Raises:
            InputError: As :meth:`from_arrays`, or blocks of different widths.
        """
        heads: list[FloatArray] = []
        labels: list[npt.NDArray[Any]] = []
        width, n_rows, dtype = 0, 0, np.dtype(np.float32)
        for features, given in read():
            block = _as_features(features)
            if width and block.shape[1] != width:
                raise InputError(f"blocks of {width} and of {block.shape[1]} features")
            _check_values(block, n_rows)
            labels.append(_as_labels(given, len(block)))
            heads.append(block[:, :HEAD_COLUMNS].copy())
            width, n_rows = block.shape[1], n_rows + len(block)
            dtype = np.promote_types(dtype, block.dtype)
        if n_rows == 0:
            raise InputError("features are empty: no rows")
        rows = StreamedRows(read, np.concatenate(heads), width, dtype)
        return cls(rows, *_encode(np.concatenate(labels)), groups)

    @property
    def features(self) -> FloatArray:
        """``(n_samples, n_features)``, float32 or float64.

        Never a copy where the array given was of these types, and it cannot be written to.

        Raises:
            InputError: The rows are streamed.
        """
        if isinstance(self.rows, ArrayRows):
            return self.rows.array
        raise InputError(
            "this metric needs all features in memory, and they are read in blocks",
            "score a sample of the rows",
        )

    def remember(self, key: Hashable, make: Callable[[], T], *, of_rows: bool = False) -> T:
        """What metrics share: made on the first call, the same object afterwards.

        Args:
            key: Names it.
            make: Makes it.
            of_rows: It does not depend on the labels, so permuted ones share it too.
        """
        shared = self._of_rows if of_rows else self._shared
        if key not in shared:
            shared[key] = make()
        value: T = shared[key]
        return value

    def permuted(self, seed: int, index: int) -> Labelled:
        """The same rows, their labels shuffled: the ``index``-th permutation of a seed."""
        labels = np.random.default_rng([seed, index]).permutation(self.labels)
        permuted = Labelled(self.rows, labels, self.classes, self.groups)
        permuted._of_rows = self._of_rows
        return permuted

    @property
    def n_samples(self) -> int:
        return self.rows.n_samples

    @property
    def n_features(self) -> int:
        return self.rows.n_features

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


def _read_only(array: npt.NDArray[S]) -> npt.NDArray[S]:
    """A view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def _as_array(values: npt.ArrayLike, noun: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{noun} are not an array: {error}") from None


def _as_features(features: npt.ArrayLike) -> FloatArray:
    """Two-dimensional, float32 or float64."""
    array = _as_array(features, "features")
    if array.ndim != 2:
        raise InputError(f"features must have shape (n_samples, n_features), got {array.shape}")
    if array.shape[1] == 0:
        raise InputError(f"features are empty: shape {array.shape}")
    if array.dtype.kind not in "fiub":
        raise InputError(f"features must be real numbers, got {array.dtype}")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype == np.float16 else np.float64)
    return array


def _as_labels(labels: npt.ArrayLike, n_rows: int) -> npt.NDArray[Any]:
    given = _as_array(labels, "labels")
    if given.ndim != 1:
        raise InputError(f"labels must have shape (n_samples,), got {given.shape}")
    if len(given) != n_rows:
        raise InputError(f"{n_rows} rows of features but {len(given)} labels")
    return given


def _encode(labels: npt.NDArray[Any]) -> tuple[IntArray, tuple[Any, ...]]:
    """Indices into the sorted classes, and the classes."""
    classes, encoded = np.unique(as_discrete(labels), return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"only one class ('{classes[0]}'): nothing to tell apart")
    return encoded.astype(np.int64), tuple(classes.tolist())


def _check_values(features: FloatArray, first: int = 0) -> None:
    """``first`` is the index of the first row, for the message."""
    step = max(1, _CHECK_VALUES // features.shape[1])
    for start in range(0, len(features), step):
        block = features[start : start + step]
        # The fastest look at all of them: squares that add up to so little are of good numbers.
        with np.errstate(all="ignore"):
            if np.vdot(block, block) <= _LARGEST:
                continue
        # Compared so that NaN fails as well.
        usable = (np.abs(block) <= _LARGEST).all(axis=1)
        if not usable.all():
            row = int(np.argmin(usable))
            what = f"values beyond {_LARGEST:g}"
            if not np.isfinite(block[row]).all():
                what = "NaN or infinity"
            raise InputError(f"features hold {what}, first in row {first + start + row}")


def as_discrete(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Labels that can be sorted; whole floats and objects become what they hold.

    Raises:
        InputError: Neither integers nor strings.
    """
    if labels.dtype == np.float16:
        labels = labels.astype(np.float32)
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
