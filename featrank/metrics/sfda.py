"""Self-challenging Fisher discriminant analysis, held out."""

from __future__ import annotations

import numpy as np

from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.cross_fit import Classifier, cross_fit
from featrank.labelled.labelled import Labelled
from featrank.metrics._declaration import Metric
from featrank.records import IntArray, Score

# More rows are sampled down to about this many.
_MAX_ROWS = 20_000

# The shrinkage is at least this, so that the covariance can always be solved with.
_LEAST_SHRINKAGE = 1e-6

# Of the variance between the classes: what stands for none inside them.
_NO_VARIANCE = 1e-12


def compute(labelled: Labelled, *, folds: int = 5, seed: int = 0) -> Score:
    """Held-out probability of the true class, after training on rows made harder.

    Shao et al., "Not All Models Are Equal: Predicting Model Transferability in a Self-challenging
    Fisher Space", ECCV 2022 (arXiv 2207.03036). On a training part:

    1. a shrunk Fisher discriminant gives each row the probability p_i of its own class;
    2. ConfMix pulls uncertain rows to the mean of all other classes' rows:
       ``z_i ← p_i z_i + (1 - p_i) · mean{z_j : y_j ≠ y_i}``;
    3. the discriminant is fitted again, on the mixed rows.

    The value is the mean over the held-out rows, not mixed, of p(y | z). In all C - 1 discriminant
    directions the Fisher classifier needs no eigenvectors::

        p(c | z) ∝ p_c exp(z·P μ_c - ½ μ_cᵀ P μ_c),   P = [(1 - λ) Σ_W + λ tr(Σ_W)/d I]⁻¹

    Two things differ from the paper. It scores the rows that it was fitted on, which gives 1.0 to
    anything with more features than rows; and mixing needs the label, so mixed rows must not be
    scored either. Its λ = exp(-a σ_max) changes with the scale of the features; λ here is Ledoit
    and Wolf's, from the class-centred rows, and at least 1e-6.

    Edge rules: a class absent from a training part has probability 0 there. Without variation
    inside the classes the nearest class mean has probability 1, which is the limit.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 20 000 rows a sample of
            each class is taken; ``details`` say so.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds, and chooses the sample.

    Raises:
        InputError: Features are constant, or every class has one sample.
    """
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    held_out = cross_fit(sample, folds, seed, _train)
    details = {"folds": held_out.folds, "seed": seed, **details}
    return Score(float(np.exp(held_out.log_posterior).mean()), details=details)


def _train(rows: Float64Array, labels: IntArray) -> Classifier:
    _, labels = np.unique(labels, return_inverse=True)
    if labels.max() == 0:
        # Nothing to discriminate; there are no other rows to mix with.
        return _fisher(rows, labels)
    log_posteriors = _fisher(rows, labels)(rows)
    own = np.exp(log_posteriors[np.arange(len(rows)), labels])
    return _fisher(_confmix(rows, labels, own), labels)


def _confmix(rows: Float64Array, labels: IntArray, own: Float64Array) -> Float64Array:
    counts = np.bincount(labels)
    sums = np.stack([rows[labels == label].sum(axis=0) for label in range(len(counts))])
    others = (sums.sum(axis=0) - sums) / (len(rows) - counts)[:, None]
    mixed: Float64Array = own[:, None] * rows + (1 - own)[:, None] * others[labels]
    return mixed


def _fisher(rows: Float64Array, labels: IntArray) -> Classifier:
    """The shrunk discriminant; ``labels`` are all the numbers from 0."""
    from scipy.linalg import cho_factor, cho_solve
    from scipy.special import log_softmax

    centre = rows.mean(axis=0)
    counts = np.bincount(labels)
    means = np.stack([rows[labels == label].mean(axis=0) for label in range(len(counts))])
    covariance = _shrunk_covariance(rows - means[labels])
    means -= centre
    if not covariance.any():
        between = float(np.square(means).mean())
        covariance = (_NO_VARIANCE * between or 1.0) * np.eye(len(centre))
    factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
    weights = cho_solve(factor, means.T, check_finite=False)
    bias = np.log(counts / len(rows)) - 0.5 * np.einsum("cd,dc->c", means, weights)

    def classify(tested: Float64Array) -> Float64Array:
        posteriors: Float64Array = log_softmax((tested - centre) @ weights + bias, axis=1)
        return posteriors

    return classify


def _shrunk_covariance(centred: Float64Array) -> Float64Array:
    """Ledoit and Wolf's covariance; the intensity from the moments that it needs anyway.

    Zero where the rows are.
    """
    n_samples, n_features = centred.shape
    covariance: Float64Array = centred.T @ centred / n_samples
    target = float(np.trace(covariance)) / n_features
    if target == 0:
        return covariance
    # Relative to the target, so that no fourth power underflows.
    square = float(np.square(covariance / target).sum())
    lengths = np.einsum("nd,nd->n", centred, centred) / target
    spread = square - n_features
    error = min(spread, float(np.square(lengths).sum() / n_samples - square) / n_samples)
    shrinkage = max(_LEAST_SHRINKAGE, error / spread if error > 0 else 0.0)
    covariance *= 1 - shrinkage
    covariance[np.diag_indices(n_features)] += shrinkage * target
    return covariance


METRIC = Metric(
    name="sfda",
    summary="held-out probability of the true class in a self-challenging Fisher space",
    paper="Shao et al., ECCV 2022, arXiv 2207.03036",
    version=3,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N d² + d³",
    traps="In-sample, as published, it saturates at 1 where N ≲ d; this one is held out.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"folds": 5, "seed": 0},
    bounds=(0.0, 1.0),
)
