"""Balanced accuracy: every class counts the same, however many images it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def balanced_accuracy(hits: npt.NDArray[Any], counts: npt.NDArray[Any]) -> float:
    """The mean recall over the classes that were asked for.

    Args:
        hits: ``(n_classes,)`` images of each class that were predicted rightly.
        counts: ``(n_classes,)`` images of each class that were predicted; a class of none is left
            out of the mean.
    """
    asked = counts > 0
    return float((hits[asked] / counts[asked]).mean())


def hits_by_class(
    labels: npt.NDArray[np.integer[Any]], predicted: npt.NDArray[np.integer[Any]], n_classes: int
) -> npt.NDArray[np.int64]:
    """``(n_classes,)``: how many images of each class were predicted rightly.

    Args:
        labels: ``(n,)`` true classes.
        predicted: ``(n,)``.
        n_classes: How many classes there are.
    """
    hits: npt.NDArray[np.int64] = np.bincount(labels[predicted == labels], minlength=n_classes)
    return hits
