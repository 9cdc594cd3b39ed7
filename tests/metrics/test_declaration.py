from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from featrank.errors import IncompleteError, InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics import METRICS, Metric
from featrank.records import Score


def _spread(labelled, *, power=2):
    value = float((np.abs(labelled.features) ** power).mean())
    return Score(value, details={"power": power})


METRIC = Metric(
    name="spread",
    summary="how large features are",
    paper="none",
    version=1,
    higher_is_better=True,
    predicts="linear probe",
    compute=_spread,
    params={"power": 2},
)
FEATURES, LABELS = np.full((4, 2), 3.0), ["a", "b", "a", "b"]


def test_a_call_returns_the_value_alone():
    assert METRIC(FEATURES, LABELS) == 9.0
    assert isinstance(METRIC(FEATURES, LABELS), float)


def test_score_returns_the_details():
    assert METRIC.score(Labelled.from_arrays(FEATURES, LABELS)).details == {"power": 2}


def test_parameters_override_the_declared_ones():
    assert METRIC(FEATURES, LABELS, power=3) == 27.0


def test_unknown_parameters_are_named():
    with pytest.raises(InputError, match="no parameter 'powr'") as caught:
        METRIC(FEATURES, LABELS, powr=3)
    assert caught.value.hint == "did you mean power?"


def test_input_is_checked():
    with pytest.raises(InputError, match="only one class"):
        METRIC(FEATURES, ["a"] * 4)


def test_a_value_beyond_its_bounds_is_an_error_not_a_number():
    strict = dataclasses.replace(METRIC, bounds=(0.0, 8.9))
    with pytest.raises(IncompleteError, match="'spread' left its bounds: 9 is not within 0 to"):
        strict(FEATURES, LABELS)


def test_bounds_may_follow_from_the_data():
    strict = dataclasses.replace(
        METRIC, bounds_for=lambda labelled: (0.0, 4.0 * labelled.n_classes)
    )
    with pytest.raises(IncompleteError, match="0 to 8"):
        strict(FEATURES, LABELS)


def test_rounding_beyond_the_bounds_is_taken_back():
    assert dataclasses.replace(METRIC, bounds=(0.0, 9.0 - 1e-6))(FEATURES, LABELS) == 9.0 - 1e-6


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("tmi", {"k": 2.5}, "a whole number for k"),
        ("tmi", {"r_min": float("nan")}, "a finite number for r_min"),
        ("tmi", {"r_min": float("inf")}, "a finite number for r_min"),
        ("tmi_norm", {"r_min": -1.0}, "tmi_norm needs k"),
        ("gda", {"seed": -1}, "a seed from 0"),
        ("gda", {"folds": "5"}, "a whole number for folds"),
        ("gbc", {"n_components": 0}, "n_components must be at least 1"),
        ("parc", {"n_components": -1}, "n_components must be at least 1"),
        ("nleep", {"share": 2.0}, "at most 1"),
        ("nleep", {"components_per_class": -1}, "at least 1"),
        ("pactran", {"strength": float("nan")}, "a finite number"),
    ],
)
def test_parameters_of_the_wrong_kind_are_named(name, params, message):
    features, labels = np.random.default_rng(0).standard_normal((30, 4)), np.arange(30) % 3
    with pytest.raises(InputError, match=message):
        METRICS.get(name)(features, labels, **params)
