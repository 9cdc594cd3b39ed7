from __future__ import annotations

import numpy as np
import pytest

from featrank.errors import InputError
from featrank.metrics.declaration import Metric
from featrank.metrics.labelled import Labelled
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
