"""Probabilities over the pre-training classes, checked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled

Float64Array = npt.NDArray[np.float64]

# How far a row's sum may be from 1: bfloat16 rounds every value by up to 0.004 of itself.
_TOLERANCE = 5e-3


def checked_probabilities(labelled: Labelled) -> Float64Array:
    """The features as probabilities ``(n_samples, n_source)``, rows divided by their sum.

    Raises:
        InputError: A value is negative, or a row does not sum to 1 within 0.005.
    """
    hint = "pass the softmax of the pre-training classifier's outputs, not features or logits"
    probabilities = labelled.features.astype(np.float64)
    negative = (probabilities < 0).any(axis=1)
    if negative.any():
        row = int(np.argmax(negative))
        raise InputError(f"source_probs must not be negative, first in row {row}", hint)
    sums = probabilities.sum(axis=1)
    wrong = np.abs(sums - 1) > _TOLERANCE
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"rows of source_probs must sum to 1, row {row} sums to {sums[row]:.6g}", hint
        )
    probabilities /= sums[:, None]
    return probabilities
