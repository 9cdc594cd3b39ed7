from __future__ import annotations

import numpy as np
import pytest

from featrank.labelled.labelled import Labelled
from featrank.labelled.remarks import clamped, classes_of_one, left_out, too_small, unpredictable
from featrank.metrics import METRICS


def test_nothing_to_say_is_not_said() -> None:
    said = [*unpredictable(0), *too_small([]), *classes_of_one(0), *left_out(0), *clamped(0.0)]
    assert said == []


def test_a_share_is_a_percentage() -> None:
    assert list(clamped(0.256)) == ["25.6% of the distances are clamped"]


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("gda", "images whose class cannot be learnt without them, counted as wrong: 1"),
        ("linear", "images whose class cannot be learnt without them, counted as wrong: 1"),
        ("cdnv", "left out, there being too few of their class: 1"),
        ("snnl", "classes of one image, which a rule of their own covers: 1"),
        ("tmi", "classes of one image, counted as 0: z"),
    ],
)
def test_each_metric_says_what_it_does_with_a_class_of_one_image(metric: str, said: str) -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["x"] * 20 + ["y"] * 20 + ["z"])
    score = METRICS.get(metric).score(Labelled.from_arrays(rng.normal(0, 9, (41, 4)), labels))
    assert said in score.remarks


def test_a_sample_of_the_classes_is_said() -> None:
    features = np.random.default_rng(0).normal(size=(12_000, 3)).astype(np.float32)
    score = METRICS.get("knn").score(Labelled.from_arrays(features, np.arange(12_000) // 2))
    n_classes = score.details["sampled_classes"]
    assert score.remarks == (f"of a sample of the classes as well: {n_classes}",)
