import dataclasses

import numpy as np
import pytest

from featrank.errors import InputError
from featrank.labelled.feature_source import ArraySource, FeatureBlocks
from featrank.labelled.labelled import Labelled
from featrank.labelled.row_groups import join_groups
from featrank.metrics import METRICS, Metric
from featrank.records import Features, FloatArray, IntArray, Score, Shuffles
from featrank.scoring.score import NO_SOURCE_PROBS, score_features


def features(n_classes: int = 3) -> Features:
    generator = np.random.default_rng(0)
    labels = np.arange(30) % n_classes
    names = tuple(f"class {i}" for i in range(n_classes))
    return Features(generator.normal(size=(30, 4)).astype(np.float32), labels, names)


@dataclasses.dataclass(frozen=True)
class Streamed(ArraySource):
    """Features that come in blocks, and that nobody may have all at once."""

    pieces: list[tuple[FloatArray, IntArray]] = dataclasses.field(default_factory=list)

    @property
    def blocks(self) -> FeatureBlocks:  # type: ignore[override]
        return lambda: iter(self.pieces)

    def load(self) -> Features:
        raise AssertionError("all rows at once")


def test_scores_equal_the_metric_called_directly() -> None:
    data = features()
    scored = score_features(ArraySource(data), list(METRICS))
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
    few = Features(data.features, labels, data.class_names)
    (scored,) = score_features(ArraySource(few), [METRICS.get("tmi")])
    assert scored.score is not None
    assert scored.score.details["dropped_classes"] == ["class 1", "class 2"]


def test_what_cannot_be_scored_has_a_reason() -> None:
    data = features(n_classes=1)
    probs = np.full((30, 2), 0.5, np.float32)
    source = ArraySource(dataclasses.replace(data, source_probs=probs))
    scored = score_features(source, list(METRICS))
    assert all(one.score is None and "only one class" in one.reason for one in scored)


def test_a_number_that_is_not_finite_is_a_reason() -> None:
    def compute(labelled: Labelled) -> Score:
        return Score(float("nan"))

    broken = Metric("broken", "", "", 1, True, "", compute)
    (scored,) = score_features(ArraySource(features()), [broken])
    assert scored.score is None
    assert scored.reason == "the score is nan"


def test_a_number_beyond_its_bounds_is_a_reason() -> None:
    broken = Metric("broken", "", "", 1, True, "", lambda labelled: Score(2.0), bounds=(0.0, 1.0))
    (scored,) = score_features(ArraySource(features()), [broken])
    assert scored.score is None
    assert "left its bounds" in scored.reason


def naive_null(metric: Metric, data: Features, seed: int, count: int) -> list[float]:
    """The metric on labels that are shuffled one permutation after the other."""
    return [
        metric(data.features, np.random.default_rng([seed, i]).permutation(data.labels))
        for i in range(count)
    ]


@pytest.mark.parametrize("name", ["tmi", "gda", "nleep", "logme"])
def test_a_null_is_mean_and_deviation_over_shuffled_labels(name: str) -> None:
    data, metric = features(), METRICS.get(name)
    values = naive_null(metric, data, 5, 4)
    (scored,) = score_features(ArraySource(data), [metric], Shuffles(4, 5))
    assert scored.null is not None
    assert scored.null.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert scored.null.std == pytest.approx(np.std(values, ddof=1), rel=1e-9)
    assert scored == dataclasses.replace(
        score_features(ArraySource(data), [metric])[0], null=scored.null
    )
    (single,) = score_features(ArraySource(data), [metric], Shuffles(1, 5))
    assert single.null is not None
    assert (single.null.mean, single.null.std) == (values[0], None)


def test_a_streamed_null_is_as_in_one_piece() -> None:
    data = features()
    metrics = [metric for metric in METRICS if metric.needs == "moments"]
    whole = score_features(ArraySource(data), metrics, Shuffles(3))
    blocks = [(data.features[i : i + 7], data.labels[i : i + 7]) for i in range(0, 30, 7)]
    streamed = score_features(Streamed(data, blocks), metrics, Shuffles(3))
    for one, other in zip(whole, streamed, strict=True):
        assert one.null is not None
        assert other.null is not None
        assert other.null.mean == pytest.approx(one.null.mean, rel=1e-9)
        assert other.null.std == pytest.approx(one.null.std, rel=1e-6, abs=1e-12)


def test_what_reads_no_label_is_marked_and_not_run_again() -> None:
    runs = []

    def compute(labelled: Labelled) -> Score:
        runs.append(labelled)
        return Score(1.0)

    blind = Metric("blind", "", "", 1, True, "", compute, reads_labels=False)
    (scored,) = score_features(ArraySource(features()), [blind], Shuffles(3))
    assert len(runs) == 1
    assert scored.null is not None
    assert (scored.null.mean, scored.null.reason) == (None, "label-free")
    assert scored.score == Score(1.0, details={"label_free": True})


def test_a_permutation_that_cannot_be_scored_is_the_reason_of_the_null() -> None:
    data = features()

    def compute(labelled: Labelled) -> Score:
        if (labelled.labels != data.labels).any():
            raise InputError("not these")
        return Score(1.0)

    (scored,) = score_features(
        ArraySource(data), [Metric("m", "", "", 1, True, "", compute)], Shuffles(3)
    )
    assert scored.score is not None
    assert scored.null is not None
    assert scored.null.reason == "label permutation 0: not these"


def test_what_has_no_score_has_no_null() -> None:
    scored = score_features(ArraySource(features(n_classes=1)), list(METRICS), Shuffles(2))
    assert all(one.null is None for one in scored)


def test_probabilities_of_a_classifier_are_read_by_those_that_need_them() -> None:
    data = features()
    probs = np.random.default_rng(1).dirichlet(np.ones(5), size=30).astype(np.float32)
    metrics = METRICS.select(["leep", "gda", "nce"])
    alone = score_features(ArraySource(data), metrics)
    assert [one.metric for one in alone] == ["leep", "gda", "nce"]
    assert [one.reason for one in alone] == [NO_SOURCE_PROBS, "", NO_SOURCE_PROBS]
    whole = score_features(ArraySource(dataclasses.replace(data, source_probs=probs)), metrics)
    for one, metric in zip(whole, metrics, strict=True):
        assert one.score is not None
        read = data.features if metric.name == "gda" else probs
        assert one.score.value == metric(read, data.labels)


HELD_OUT = ("gda", "nb", "nb_quad", "knn", "linear", "mahalanobis", "ncm", "ncm_fewshot", "ridge")


@pytest.mark.parametrize("metric", HELD_OUT)
def test_copies_of_images_with_tossed_labels_teach_nothing(metric: str) -> None:
    """Four copies of each image: whoever has seen one knows the label of the others."""
    rng = np.random.default_rng(0)
    once = rng.normal(size=(40, 64)).astype(np.float32)
    tossed = rng.integers(2, size=40)
    copies = Features(np.repeat(once, 4, 0), np.repeat(tossed, 4), ("a", "b"))
    grouped = dataclasses.replace(copies, groups=join_groups([f"{i // 4}" for i in range(160)]))
    (leaking,), (held,) = (
        [scored.score for scored in score_features(ArraySource(features), [METRICS.get(metric)])]
        for features in (copies, grouped)
    )
    assert leaking is not None
    assert held is not None
    chance = max(np.mean(tossed), 1 - np.mean(tossed))
    assert held.value < chance + 0.15
    assert leaking.value > held.value
