import numpy as np

from featrank.metrics import METRICS, Metric
from featrank.metrics.labelled import Labelled
from featrank.records import Features, Score
from featrank.score import score_features


def features(n_classes: int = 3) -> Features:
    generator = np.random.default_rng(0)
    labels = np.arange(30) % n_classes
    names = tuple(f"class {i}" for i in range(n_classes))
    return Features(generator.normal(size=(30, 4)).astype(np.float32), labels, names)


def test_scores_equal_the_metric_called_directly() -> None:
    data = features()
    scored = score_features(data, list(METRICS))
    assert [one.metric for one in scored] == METRICS.names()
    for one in scored:
        metric = METRICS.get(one.metric)
        if metric.needs != "source_probs":
            assert one.score is not None
            assert one.score.value == metric(data.features, data.labels)
            assert (one.version, one.params) == (metric.version, dict(metric.params))


def test_details_name_classes_as_the_target_does() -> None:
    data = features()
    labels = np.array([0] * 25 + [1] * 3 + [2] * 2)
    (scored,) = score_features(
        Features(data.features, labels, data.class_names), [METRICS.get("tmi")]
    )
    assert scored.score is not None
    assert scored.score.details["dropped_classes"] == ["class 1", "class 2"]


def test_what_cannot_be_scored_has_a_reason() -> None:
    data = features(n_classes=1)
    scored = score_features(data, list(METRICS))
    assert all(one.score is None and "only one class" in one.reason for one in scored)


def test_a_number_that_is_not_finite_is_a_reason() -> None:
    def compute(labelled: Labelled) -> Score:
        return Score(float("nan"))

    broken = Metric("broken", "", "", 1, True, "", compute)
    (scored,) = score_features(features(), [broken])
    assert scored.score is None
    assert scored.reason == "the score is nan"


def test_a_number_beyond_its_bounds_is_a_reason() -> None:
    broken = Metric("broken", "", "", 1, True, "", lambda labelled: Score(2.0), bounds=(0.0, 1.0))
    (scored,) = score_features(features(), [broken])
    assert scored.score is None
    assert "left its bounds" in scored.reason
