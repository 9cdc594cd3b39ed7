"""The learning curve against a loop over its definition."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.scoring.learning_curve import CurveSettings, crossing, learning_curve


def layer(counts, width, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    features = rng.standard_normal((len(counts), width))[labels]
    return (features + rng.standard_normal((len(labels), width))).astype(np.float32), labels


def naive_bayes(x, y, tested):
    low, wide = x.min(0), np.ptp(x, axis=0)
    kept = wide > 0
    x, tested = (x[:, kept] - low[kept]) / wide[kept], (tested[:, kept] - low[kept]) / wide[kept]
    classes = np.unique(y)
    means = np.array([x[y == c].mean(0) for c in classes])
    variance = sum((y == c).mean() * (x[y == c].var(0) + 1e-9) for c in classes)
    distances = [[((z - mean) ** 2 / variance).sum() for mean in means] for z in tested]
    return classes[np.argmin(distances, axis=1)]


def discriminant(x, y, tested):
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    tested = tested / np.linalg.norm(tested, axis=1, keepdims=True)
    classes = np.unique(y)
    means = np.array([x[y == c].mean(0) for c in classes])
    centred = x - means[np.searchsorted(classes, y)]
    (n, d), scatter = x.shape, centred.T @ centred
    precision = np.eye(d)
    if n > len(classes):
        precision = d * np.linalg.inv(scatter + np.trace(scatter) / (n - 1) * np.eye(d))
    scores = tested @ precision @ means.T - 0.5 * np.diag(means @ precision @ means.T)
    return classes[scores.argmax(axis=1)]


def probe(x, y, tested):
    scaler = StandardScaler().fit(x)
    regression = LogisticRegression(C=1.0, max_iter=500, tol=1e-7).fit(scaler.transform(x), y)
    return regression.predict(scaler.transform(tested))


def naive_curve(features, labels, shots, seeds):
    """Rows in order of content, classes by their first row, one in five of each held out."""
    order = np.lexsort(features.T[::-1])
    features, labels = features[order].astype(float), labels[order]
    classes = list(dict.fromkeys(labels.tolist()))
    found = {"nb": [], "gda": [], "linear": []}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        rows = [rng.permutation(np.flatnonzero(labels == c)) for c in classes]
        held_out = [r[: max(1, len(r) // 5)] for r in rows]
        tested = np.concatenate(held_out)
        for name, fit in {"nb": naive_bayes, "gda": discriminant, "linear": probe}.items():
            accuracies = []
            for n in shots:
                part = np.concatenate(
                    [r[len(h) : len(h) + n] for r, h in zip(rows, held_out, strict=True)]
                )
                said = fit(features[part], labels[part], features[tested])
                hits = said == labels[tested]
                recalls = [hits[labels[tested] == c].mean() for c in classes]
                accuracies.append(np.mean(recalls))
            found[name].append(accuracies)
    return found


@pytest.mark.parametrize(("counts", "width"), [((14, 30, 13), 6), ((30, 26), 40)], ids=str)
def test_equals_the_loop(counts, width):
    features, labels = layer(counts, width)
    curve = learning_curve(Labelled.from_arrays(features, labels), CurveSettings(seeds=3, seed=4))
    assert curve.shots == ((1, 2, 5, 10) if min(counts) < 26 else (1, 2, 5, 10, 20))
    for name, expected in naive_curve(features, labels, curve.shots, (4, 5, 6)).items():
        np.testing.assert_allclose(curve.accuracies[name], expected, atol=1e-12, err_msg=name)
    found = curve.document["classifiers"]["gda"]
    np.testing.assert_allclose(found["mean"], curve.accuracies["gda"].mean(axis=0))
    np.testing.assert_allclose(found["std"], np.std(curve.accuracies["gda"], axis=0, ddof=1))


def test_order_of_rows_and_names_do_not_matter():
    features, labels = layer((14, 30, 13), 6)
    moved = np.random.default_rng(9).permutation(len(labels))
    plan = CurveSettings(seeds=2)
    one = learning_curve(Labelled.from_arrays(features, labels), plan).document
    names = np.array(["z", "b", "m"])
    assert (
        learning_curve(Labelled.from_arrays(features[moved], names[labels[moved]]), plan).document
        == one
    )


def test_the_two_regimes():
    """Ng & Jordan: where the features really are independent, naive Bayes needs fewer shots."""
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 2
    features = rng.standard_normal((600, 60)) + 0.3 * labels[:, None]
    few = learning_curve(Labelled.from_arrays(features, labels), CurveSettings()).document
    means = {name: found["mean"] for name, found in few["classifiers"].items()}
    assert means["nb"][3] > means["linear"][3] + 0.02
    # Where they are not, the probe overtakes it.
    features = rng.standard_normal((600, 20))
    features[:, 1:] = features[:, :1] + 0.3 * features[:, 1:]
    features[:, 0] += 0.5 * labels
    many = learning_curve(Labelled.from_arrays(features, labels), CurveSettings()).document
    assert many["classifiers"]["linear"]["mean"][-1] > many["classifiers"]["nb"]["mean"][-1] + 0.1
    assert "behind_from" in many["crossings"]["nb"]


def test_one_seed_has_no_spread():
    curve = learning_curve(Labelled.from_arrays(*layer((9, 9), 3)), CurveSettings(seeds=1)).document
    assert (curve["seeds"], curve["shots"], curve["held_out"]) == (1, [1, 2, 5], 2)
    assert list(curve["classifiers"]["nb"]) == ["mean"]


def test_a_class_of_one_image_is_a_named_error():
    features, labels = layer((9, 1), 3)
    with pytest.raises(InputError, match="class 'b' has one image"):
        learning_curve(
            Labelled.from_arrays(features, np.array(["a", "b"])[labels]), CurveSettings()
        )


@pytest.mark.parametrize(
    ("generative", "probe", "found"),
    [
        ([0.5, 0.6, 0.7], [0.4, 0.5, 0.8], {"last_ahead": 2, "behind_from": 5}),
        ([0.5, 0.6, 0.7], [0.4, 0.5, 0.6], {"last_ahead": 5}),
        ([0.5, 0.6, 0.7], [0.5, 0.7, 0.8], {"behind_from": 1}),
        ([0.3, 0.6, 0.7], [0.4, 0.5, 0.7], {"last_ahead": 2, "behind_from": 5}),
    ],
)
def test_crossing(generative, probe, found):
    assert crossing([1, 2, 5], generative, probe) == found


def test_groups_stand_on_one_side():
    """Rows of a group are nearly equal: learnt from and asked for, they would be known again."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    groups = np.arange(80) // 8
    features = rng.standard_normal((10, 30))[groups] + 0.01 * rng.standard_normal((80, 30))
    plan = CurveSettings(seeds=20)
    blind = learning_curve(Labelled.from_arrays(features, labels), plan).document
    grouped = learning_curve(Labelled.from_arrays(features, labels, groups), plan).document
    assert (blind["held_out"], grouped["held_out"]) == (16, 16)
    for name, found in grouped["classifiers"].items():
        # Nothing but the groups can be learnt, and nothing where they are kept apart.
        assert blind["classifiers"][name]["mean"][-1] > found["mean"][-1] + 0.3


def test_with_groups_of_one_the_accuracies_are_alike():
    features, labels = layer((60, 60, 60), 6)
    alone = learning_curve(Labelled.from_arrays(features, labels), CurveSettings(seeds=20)).document
    given = Labelled.from_arrays(features, labels, np.arange(180))
    each = learning_curve(given, CurveSettings(seeds=20)).document
    assert (each["shots"], each["held_out"]) == (alone["shots"], alone["held_out"])
    for name, found in each["classifiers"].items():
        np.testing.assert_allclose(found["mean"], alone["classifiers"][name]["mean"], atol=0.08)


def test_shared_groups_leave_every_class_something_to_learn_from():
    features, labels = layer((30, 20, 10), 6)
    groups = np.random.default_rng(2).integers(0, 7, 60)
    curve = learning_curve(Labelled.from_arrays(features, labels, groups), CurveSettings())
    assert curve.shots[0] == 1
    assert all(np.isfinite(found).all() for found in curve.accuracies.values())


def test_a_class_of_one_group_is_a_named_error():
    features, labels = layer((9, 9), 3)
    labelled = Labelled.from_arrays(features, np.array(["a", "b"])[labels], labels * np.arange(18))
    with pytest.raises(InputError, match="class 'a' has images of one group alone"):
        learning_curve(labelled, CurveSettings())


def test_rounding_is_no_lead():
    assert crossing([1, 2], [0.7083333333333334, 0.5], [0.7083333333333333, 0.5]) == {
        "behind_from": 1
    }
