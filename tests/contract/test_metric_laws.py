"""Laws that every registered metric obeys; a new metric is tested by being in the folder."""

from __future__ import annotations

import contextlib
import math
import warnings

import numpy as np
import pytest
from feature_grid import in_blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics import METRICS

every_metric = pytest.mark.parametrize("metric", list(METRICS), ids=lambda m: m.name)
every_label_reader = pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.sees_labels], ids=lambda m: m.name
)
every_streamable = pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.needs == "moments"], ids=lambda m: m.name
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


def _fed(metric, features):
    """What the metric reads, in the features' type: themselves, or probabilities made of them."""
    if metric.needs != "source_probs":
        return features
    with np.errstate(all="ignore"):
        return softmax(np.asarray(features, np.float64) / 4, axis=-1).astype(features.dtype)


def _numbers(metric, features, labels):
    score = metric.score(Labelled.from_arrays(_fed(metric, features), labels))
    return [score.value, 0.0 if score.tie_break is None else score.tie_break]


def _finite_or_named(metric, features, labels):
    with contextlib.suppress(InputError):
        assert np.isfinite(_numbers(metric, features, labels)).all()


@every_metric
def test_declares_what_a_reader_needs(metric):
    assert metric.summary
    assert metric.paper
    assert metric.cost
    assert metric.traps.endswith(".")
    assert metric.version >= 1
    claims = {"linear probe", "few-shot", "fine-tuning"} if metric.reads_labels else {"nothing"}
    assert metric.predicts in claims
    assert metric.needs in {"moments", "features", "source_probs"}
    assert metric.bounds[0] < metric.bounds[1]
    assert metric.compute.__doc__


@every_metric
@every_shape
def test_is_a_finite_float_within_bounds(metric, n_features):
    features, labels = _data(n_features)
    for y in (labels, np.random.default_rng(1).permutation(labels)):
        value = metric(_fed(metric, features), y)
        assert type(value) is float
        assert math.isfinite(value)
        assert metric.bounds[0] <= value <= metric.bounds[1]
        if metric.bounds_for is not None:
            low, high = metric.bounds_for(Labelled.from_arrays(_fed(metric, features), y))
            assert metric.bounds[0] <= low <= value <= high <= metric.bounds[1]


@every_metric
def test_whether_labels_are_read_is_declared(metric):
    features, labels = _data()
    shuffled = np.random.default_rng(1).permutation(labels)
    alike = _numbers(metric, features, shuffled) == _numbers(metric, features, labels)
    assert alike != metric.reads_labels
    assert metric.reads_labels or not metric.sees_labels


@every_metric
@every_shape
def test_is_deterministic(metric, n_features):
    features, labels = _data(n_features)
    assert _numbers(metric, features, labels) == _numbers(metric, features, labels)


@every_metric
def test_leaves_input_untouched(metric):
    features, labels = _data()
    features = _fed(metric, features)
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
    features = _fed(metric, features)
    for other in (np.asfortranarray(features), np.repeat(features, 2, axis=1)[:, ::2]):
        assert metric(other, labels) == pytest.approx(metric(features, labels), rel=CLOSE)


@every_label_reader
@every_shape
def test_separable_beats_shuffled_labels(metric, n_features):
    features, labels = _data(n_features, signal=4.0)
    features = _fed(metric, features)
    shuffled = np.random.default_rng(1).permutation(labels)
    sign = 1 if metric.higher_is_better else -1
    if metric.name == "hscore" and n_features >= len(labels) - 1:
        # It is C - 1 whatever the labels, as its page says: rounding must not tell them apart.
        assert metric(features, labels) == metric(features, shuffled) == 2.0
    else:
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


def _close_details(found, expected):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == (pytest.approx(value, rel=1e-6) if type(value) is float else value)


@every_streamable
@every_shape
@pytest.mark.parametrize("rows", [1, 17, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_streamed_is_as_in_one_piece(metric, n_features, rows, dtype):
    features, labels = _data(n_features)
    features = features.astype(dtype)
    names = np.array(["zebra", "ant", "Mole"])[labels]
    whole = metric.score(Labelled.from_arrays(features, names))
    score = metric.score(Labelled.from_blocks(in_blocks(features, names, rows)))
    assert score.value == pytest.approx(whole.value, rel=1e-9)
    assert (score.tie_break is None) == (whole.tie_break is None)
    assert score.tie_break is None or score.tie_break == pytest.approx(whole.tie_break, rel=1e-9)
    _close_details(score.details, whole.details)


@every_metric
def test_what_streams_is_declared(metric):
    features, labels = _data()
    features = _fed(metric, features)
    streamed = Labelled.from_blocks(in_blocks(features, labels))
    if metric.needs == "moments":
        assert math.isfinite(metric.score(streamed).value)
    else:
        # Either refused by name, or the metric takes a sample by itself.
        with contextlib.suppress(InputError):
            assert math.isfinite(metric.score(streamed).value)


def test_metrics_share_one_layer():
    """What one metric leaves behind does not change another's number."""
    features, labels = _data()
    together = {
        probabilities: Labelled.from_arrays(_fed(metric, features), labels)
        for metric in METRICS
        for probabilities in [metric.needs == "source_probs"]
    }
    for metric in [*METRICS, *list(METRICS)[::-1]]:
        alone = metric(_fed(metric, features), labels)
        assert metric.score(together[metric.needs == "source_probs"]).value == alone


@st.composite
def _layers(draw):
    """A layer that may be degenerate in any of several ways, or not a layer at all."""
    n_rows, n_features = draw(st.integers(1, 14)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    features = rng.standard_normal((n_rows, n_features))
    labels = rng.integers(0, draw(st.integers(1, 5)), n_rows)
    for spoil in draw(st.lists(st.sampled_from(sorted(SPOILS)), max_size=2)):
        features, labels = SPOILS[spoil](features, labels, rng)
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    with np.errstate(all="ignore"):
        return features.astype(dtype), labels


def _one_cell(value):
    def spoil(features, labels, rng):
        features = features.copy()
        features.flat[rng.integers(features.size)] = value
        return features, labels

    return spoil


SPOILS = {
    "nan": _one_cell(np.nan),
    "inf": _one_cell(np.inf),
    "-inf": _one_cell(-np.inf),
    "outlier": _one_cell(1e20),
    "constant": lambda x, y, rng: (np.full_like(x, rng.integers(-2, 3)), y),
    "constant column": lambda x, y, rng: (np.where(np.arange(x.shape[-1]) == 0, 0.1, x), y),
    "binary": lambda x, y, rng: ((x > 0).astype(float), y),
    "equal rows": lambda x, y, rng: (x[np.zeros(len(x), int) + np.arange(len(x)) % 3 % len(x)], y),
    "tiny": lambda x, y, rng: (x * 1e-25, y),
    "one class": lambda x, y, rng: (x, np.zeros(len(y), int)),
    "single samples": lambda x, y, rng: (x, np.arange(len(y))),
    "balanced": lambda x, y, rng: (x, np.arange(len(y)) % 2),
    "collapsed": lambda x, y, rng: (np.eye(7)[np.arange(len(y)) % 3], np.arange(len(y)) % 3),
    "gaps": lambda x, y, rng: (x, y if y.dtype.kind == "U" else y**2 * 7 - 3),
    "text": lambda x, y, rng: (x, np.array([f"class {label}" for label in y])),
    "1-D": lambda x, y, rng: (x.ravel()[: len(y)], y),
    "too few labels": lambda x, y, rng: (x, y[:-1]),
}  # fmt: skip


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(layer=_layers())
def test_whatever_comes_there_is_a_finite_number_or_a_named_error(layer):
    for metric in METRICS:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _finite_or_named(metric, *layer)
