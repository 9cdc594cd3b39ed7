"""Laws that every registered metric obeys; a new metric is tested by being in the folder."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest

from featrank.errors import InputError
from featrank.metrics import METRICS
from featrank.metrics.labelled import Labelled

METRICS_OF_FEATURES = [metric for metric in METRICS if metric.needs != "source_probs"]
every_metric = pytest.mark.parametrize("metric", METRICS_OF_FEATURES, ids=lambda m: m.name)
every_label_reader = pytest.mark.parametrize(
    "metric", [m for m in METRICS_OF_FEATURES if m.sees_labels], ids=lambda m: m.name
)
every_shape = pytest.mark.parametrize("n_features", [5, 150], ids=["n>d", "n<d"])

CLOSE = 1e-9


def _data(n_features=5, counts=(24, 20, 16), signal=0.8, seed=0):
    """Gaussian classes, in float64 but exact in float32."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    centres = signal * rng.standard_normal((len(counts), n_features))
    features = 2 * (centres[labels] + rng.standard_normal((len(labels), n_features)))
    return features.astype(np.float32).astype(np.float64), labels


def _numbers(metric, features, labels):
    score = metric.score(Labelled.from_arrays(features, labels))
    return [score.value, 0.0 if score.tie_break is None else score.tie_break]


def _finite_or_named(metric, features, labels):
    with contextlib.suppress(InputError):
        assert np.isfinite(_numbers(metric, features, labels)).all()


@every_metric
def test_declares_what_a_reader_needs(metric):
    assert metric.summary
    assert metric.paper
    assert metric.version >= 1
    assert metric.predicts in {"linear probe", "few-shot", "fine-tuning"}
    assert metric.compute.__doc__


@every_metric
@every_shape
def test_is_a_finite_float_within_bounds(metric, n_features):
    features, labels = _data(n_features)
    for y in (labels, np.random.default_rng(1).permutation(labels)):
        value = metric(features, y)
        assert type(value) is float
        assert math.isfinite(value)
        assert metric.bounds[0] <= value <= metric.bounds[1]


@every_metric
@every_shape
def test_is_deterministic(metric, n_features):
    features, labels = _data(n_features)
    assert _numbers(metric, features, labels) == _numbers(metric, features, labels)


@every_metric
def test_leaves_input_untouched(metric):
    features, labels = _data()
    kept = features.copy(), labels.copy()
    features.setflags(write=False)
    labels.setflags(write=False)
    metric(features, labels)
    np.testing.assert_array_equal(features, kept[0])
    np.testing.assert_array_equal(labels, kept[1])


@every_metric
@every_shape
def test_order_of_rows_does_not_matter(metric, n_features):
    features, labels = _data(n_features)
    moved = np.random.default_rng(5).permutation(len(labels))
    assert _numbers(metric, features[moved], labels[moved]) == pytest.approx(
        _numbers(metric, features, labels), rel=CLOSE
    )


@every_metric
def test_order_of_rows_does_not_matter_among_equal_rows(metric):
    features, labels = _data()
    features[10:30] = features[10]
    moved = np.random.default_rng(5).permutation(len(labels))
    assert _numbers(metric, features[moved], labels[moved]) == pytest.approx(
        _numbers(metric, features, labels), rel=CLOSE
    )


@every_metric
@pytest.mark.parametrize(
    "names", [[2, 0, 1], [-3, 700, 41], ["zebra", "ant", "Mole"]], ids=["swapped", "gaps", "text"]
)
def test_names_of_classes_do_not_matter(metric, names):
    features, labels = _data()
    assert _numbers(metric, features, np.array(names)[labels]) == pytest.approx(
        _numbers(metric, features, labels), rel=CLOSE
    )


@every_metric
@every_shape
def test_float32_is_close_to_float64(metric, n_features):
    features, labels = _data(n_features)
    assert _numbers(metric, features.astype(np.float32), labels) == pytest.approx(
        _numbers(metric, features, labels), rel=1e-5
    )


@every_metric
def test_memory_layout_does_not_matter(metric):
    features, labels = _data()
    for other in (np.asfortranarray(features), np.repeat(features, 2, axis=1)[:, ::2]):
        assert _numbers(metric, other, labels) == pytest.approx(
            _numbers(metric, features, labels), rel=CLOSE
        )


@every_label_reader
@every_shape
def test_separable_beats_shuffled_labels(metric, n_features):
    features, labels = _data(n_features, signal=4.0)
    shuffled = np.random.default_rng(1).permutation(labels)
    sign = 1 if metric.higher_is_better else -1
    assert sign * metric(features, labels) > sign * metric(features, shuffled)


@every_metric
@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (np.full((6, 2), np.nan), [0, 1] * 3),
        (np.where(np.eye(6) > 0, np.inf, 0.0), [0, 1] * 3),
        (np.where(np.eye(6) > 0, -np.inf, 0.0), [0, 1] * 3),
        (np.eye(6), [1] * 6),
        (np.arange(6.0), [0, 1] * 3),
        (np.zeros((2, 3, 4)), [0, 1]),
        (np.eye(6), [0, 1]),
        (np.zeros((0, 4)), []),
        (np.zeros((6, 0)), [0, 1] * 3),
    ],
    ids=["nan", "inf", "-inf", "one class", "1-D", "3-D", "lengths", "no rows", "no columns"],
)
def test_bad_input_is_a_named_error(metric, features, labels):
    with pytest.raises(InputError) as caught:
        metric(features, labels)
    assert caught.value.exit_code == 2
    assert caught.value.message


@every_metric
@pytest.mark.parametrize(
    "counts", [(20, 1, 12), (20, 2, 12), (20, 3), (2, 1), (1, 1, 1), (3, 3, 2), (9, 1)], ids=str
)
@every_shape
@pytest.mark.filterwarnings("error")
def test_small_classes_give_a_number_or_a_named_error(metric, counts, n_features):
    _finite_or_named(metric, *_data(n_features, counts))


DEGENERATE = {
    "constant column": lambda x: np.where(np.arange(x.shape[1]) == 2, 7.0, x),
    "all constant": lambda x: np.full_like(x, 3.0),
    "all zero": np.zeros_like,
    "zero rows": lambda x: np.where(np.arange(len(x))[:, None] < 5, 0.0, x),
    "one column": lambda x: x[:, :1],
    "two values": lambda x: (x > 0).astype(float),
    "duplicated rows": lambda x: np.repeat(x[: len(x) // 4], 4, axis=0),
    "rank one": lambda x: np.outer(x[:, 0], x[0]),
    "tiny": lambda x: x * 1e-30,
    "vanishing": lambda x: x * 1e-200,
    "huge": lambda x: x * 1e28,
    "far from zero": lambda x: x + 1e6,
    "one outlier": lambda x: np.where(np.arange(x.size).reshape(x.shape) == 0, 1e12, x),
}


@every_metric
@pytest.mark.parametrize("spoil", DEGENERATE.values(), ids=DEGENERATE.keys())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("error")
def test_degenerate_features_give_a_number_or_a_named_error(metric, spoil, dtype):
    features, labels = _data()
    with np.errstate(all="ignore"):
        features = spoil(features).astype(dtype)
    _finite_or_named(metric, features, labels)


@every_metric
@pytest.mark.filterwarnings("error")
def test_classes_without_variation_give_a_number_or_a_named_error(metric):
    _finite_or_named(metric, np.repeat(np.eye(3, 5), 8, axis=0), np.arange(24) // 8)
