"""nce against plain loops over its formula."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from formula_grid import every_case
from scipy.special import softmax

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.nce import METRIC


def naive_nce(probabilities, labels):
    source = [max(range(len(row)), key=row.__getitem__) for row in probabilities.tolist()]
    n, labels = len(source), labels.tolist()
    pairs, marginal = Counter(zip(labels, source, strict=True)), Counter(source)
    return sum(count / n * math.log(count / marginal[z]) for (_, z), count in pairs.items())


@every_case
def test_equals_the_formula(features, labels):
    probabilities = softmax(features, axis=1)
    assert METRIC(probabilities, labels) == pytest.approx(
        naive_nce(probabilities, labels), rel=1e-6
    )


def test_a_classifier_that_always_says_the_same_leaves_the_entropy_of_the_labels():
    labels = np.repeat([0, 1], [15, 5])
    score = METRIC.score(Labelled.from_arrays(np.tile([0.2, 0.8], (20, 1)), labels))
    assert score.value == pytest.approx(0.75 * math.log(0.75) + 0.25 * math.log(0.25), rel=1e-12)
    assert score.details == {"predicted_source_classes": 1}


def test_a_source_class_for_each_label_is_zero():
    labels = np.arange(12) % 3
    assert METRIC(np.eye(5)[labels], labels) == 0.0


def test_the_first_of_equal_probabilities_counts():
    # Rows 0 and 1 tie between the source classes; both go to the first.
    assert METRIC([[0.5, 0.5], [0.5, 0.5], [0.1, 0.9]], [0, 0, 1]) == 0.0


def test_informative_labels_beat_shuffled_ones():
    labels = np.arange(60) % 3
    probabilities = softmax(np.eye(3)[labels], axis=1)
    shuffled = np.random.default_rng(0).permutation(labels)
    assert METRIC(probabilities, labels) > METRIC(probabilities, shuffled)


def test_features_are_an_error():
    with pytest.raises(InputError, match="source_probs"):
        METRIC(np.random.default_rng(0).standard_normal((20, 4)), np.arange(20) % 2)
