"""Logistic probe, held out."""

from __future__ import annotations

import warnings

import numpy as np

from featrank.errors import InputError
from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.cross_fit import Classifier, cross_fit
from featrank.labelled.labelled import Labelled
from featrank.labelled.threads import threads_for
from featrank.metrics._declaration import Metric
from featrank.records import IntArray, Score

# More rows are sampled down to about this many.
_MAX_ROWS = 20_000

_MAX_ITERATIONS = 500


def compute(labelled: Labelled, *, c: float = 1.0, folds: int = 5, seed: int = 0) -> Score:
    """Held-out balanced accuracy of multinomial logistic regression: the reference.

    Alain & Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes", ICLR 2017
    workshop (arXiv 1610.01644). On a training part, with every feature centred and divided by its
    standard deviation there, W ``(d, C)`` and b ``(C,)`` minimise::

        c · Σ_i -ln softmax(z_i W + b)[y_i] + ½ ‖W‖²

    with c = 1: scikit-learn's ``LogisticRegression`` after ``StandardScaler``, on the folds of gda.
    As there, two classes share a vector w, the difference of their columns, and the penalty is
    ½ ‖w‖², which is twice that of the formula. The tie-break is the mean log posterior of the true
    class. This trains, so it is by far the slowest; it is here to measure the others by.

    Edge rules: a feature that is constant in a training part says nothing there. A class of one
    sample has recall 0. After 500 L-BFGS steps the probe is taken as it is.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 20 000 rows a sample of
            each class is taken; ``details`` say so.
        c: Inverse strength of the penalty.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds, and chooses the sample.

    Raises:
        InputError: Features are constant, every class has one sample, or c is not above 0.
    """
    if c <= 0:
        raise InputError(f"linear needs c above 0, got {c}")
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)

    def train(rows: Float64Array, labels: IntArray) -> Classifier:
        return train_probe(rows, labels, c)

    return cross_fit(sample, folds, seed, train).score({"seed": seed, **details})


def train_probe(rows: Float64Array, labels: IntArray, c: float = 1.0) -> Classifier:
    """The probe of a training part, as log posteriors of the classes in it."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if (labels == labels[0]).all():
        return lambda tested: np.zeros((len(tested), 1))
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(C=c, max_iter=_MAX_ITERATIONS, tol=1e-7)
    )
    step = rows.size * (int(labels.max()) + 1)
    with warnings.catch_warnings(), threads_for(step):
        warnings.simplefilter("ignore", ConvergenceWarning)
        # So many classes, of so few rows, that they look like a regression's targets.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        probe.fit(rows, labels)

    def classify(tested: Float64Array) -> Float64Array:
        from scipy.special import log_softmax

        logits = probe.decision_function(tested)
        if logits.ndim == 1:
            # Of two classes scikit-learn gives the difference.
            logits = np.stack([np.zeros_like(logits), logits], axis=1)
        posteriors: Float64Array = log_softmax(logits, axis=1)
        return posteriors

    return classify


METRIC = Metric(
    name="linear",
    summary="held-out accuracy of a logistic probe, the reference",
    paper="Alain & Bengio, ICLR workshop 2017, arXiv 1610.01644",
    version=2,
    higher_is_better=True,
    predicts="linear probe",
    cost="N C d a step",
    traps="Trains, so it is the slowest; a reference rather than a metric.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"c": 1.0, "folds": 5, "seed": 0},
    bounds=(0.0, 1.0),
)
