from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.labelled.source_probabilities import checked_probabilities

GOOD = np.full((6, 4), 0.25)


def _check(probabilities):
    return checked_probabilities(Labelled.from_arrays(probabilities, [0, 1] * 3))


def test_rows_are_divided_by_their_sum():
    np.testing.assert_allclose(_check(GOOD * (1 + 5e-5)), GOOD, rtol=1e-15)


def test_callers_array_is_not_written_to():
    given = GOOD * (1 + 5e-5)
    kept = given.copy()
    _check(given)
    np.testing.assert_array_equal(given, kept)


def test_half_precision_is_enough():
    logits = np.random.default_rng(0).standard_normal((6, 1000))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    _check(probabilities.astype(np.float32))


@pytest.mark.parametrize(
    ("value", "message"),
    [(-0.01, "negative, first in row 2"), (0.26, "row 2 sums to 1.01")],
)
def test_what_is_no_probability_is_named(value, message):
    bad = GOOD.copy()
    bad[2, 1] = value
    with pytest.raises(InputError, match=message) as caught:
        _check(bad)
    assert "softmax" in caught.value.hint


def test_half_precision_is_taken():
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((60, 1000))
    half = softmax(logits, axis=1).astype(np.float16)
    assert np.abs(half.astype(float).sum(axis=1) - 1).max() > 1e-5
    found = checked_probabilities(Labelled.from_arrays(half, np.arange(60) % 3))
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
