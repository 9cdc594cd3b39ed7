"""PAC-Bayes bound of a linear probe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from featrank.errors import InputError
from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.labelled import Labelled
from featrank.labelled.threads import threads_for
from featrank.metrics._declaration import Metric
from featrank.records import IntArray, Score

# More rows are sampled down to about this many.
_MAX_ROWS = 10_000

_MAX_ITERATIONS = 1000

# Of the gradient, and of the loss between two steps.
_GRADIENT_TOLERANCE = 1e-8
_LOSS_TOLERANCE = 1e-12


def compute(labelled: Labelled, *, strength: float = 10.0, seed: int = 0) -> Score:
    """The PAC-Bayes bound with Gaussian prior and posterior, PACTran-Gauss.

    Ding et al., "PACTran: PAC-Bayesian Metrics for Estimating the Transferability of Pretrained
    Models to Classification Tasks", ECCV 2022 (arXiv 2203.05126). W ``(d, C)`` and an unpenalised
    b ``(C,)`` minimise the first two terms; the third is the price of a flat posterior::

        L(W, b) + ‖W‖² / (2 λσ²) + (C d / 2λ) ln(1 + (λσ² / C d) tr H)

    L is the mean cross-entropy of softmax(z W + b) in nats, H its Hessian in W, whose trace is
    (1/N) Σ_i ‖z_i‖² Σ_c p_ic (1 - p_ic). As in the paper's code, λσ² = strength · N and σ² = 1/d,
    so λ = strength · N d. Lower is better.

    Features are centred and divided by their common root mean square, so the value does not change
    with their scale. Other than in that code, which sums H over the rows where L is a mean, both
    are means; and the start is zero, not random. The loss is convex, so the start does not matter.

    Edge rules: after 1000 L-BFGS steps the value is taken as it is; ``details`` tell.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 10 000 rows a sample of
            each class is taken; ``details`` say so.
        strength: λσ² for each row.
        seed: Chooses the sample.

    Raises:
        InputError: Features are constant, or the strength is not above 0.
    """
    if strength <= 0:
        raise InputError(f"pactran needs a strength above 0, got {strength}")
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    rows = sample.features - sample.features.mean(axis=0)
    rows /= np.sqrt(np.square(rows).mean())
    probe = _Probe(rows, sample.labels, sample.n_classes, strength * sample.n_samples)
    with threads_for(probe.rows.size * probe.n_classes):
        weights, converged = _minimise(probe)
    loss, _ = probe.loss_and_gradient(weights)
    flatness = probe.flatness(weights)
    details = {"loss": loss, "flatness": flatness, "converged": converged, **details}
    return Score(loss + flatness, details=details)


@dataclass(frozen=True, slots=True)
class _Probe:
    """Softmax regression; its weights are ``(d + 1, C)``, the bias last."""

    rows: Float64Array
    labels: IntArray
    n_classes: int
    prior_strength: float

    def loss_and_gradient(self, weights: Float64Array) -> tuple[float, Float64Array]:
        """Mean cross-entropy with its penalty."""
        from scipy.special import log_softmax

        log_posteriors = log_softmax(self.rows @ weights[:-1] + weights[-1], axis=1)
        each = np.arange(len(self.rows))
        loss = -float(log_posteriors[each, self.labels].mean())
        penalty = float(np.square(weights[:-1]).sum()) / (2 * self.prior_strength)
        residual = np.exp(log_posteriors)
        residual[each, self.labels] -= 1
        residual /= len(self.rows)
        gradient = np.vstack([self.rows.T @ residual, residual.sum(axis=0)])
        gradient[:-1] += weights[:-1] / self.prior_strength
        return loss + penalty, gradient

    def flatness(self, weights: Float64Array) -> float:
        """The last term of the bound."""
        from scipy.special import softmax

        posteriors = softmax(self.rows @ weights[:-1] + weights[-1], axis=1)
        lengths = np.einsum("nd,nd->n", self.rows, self.rows)
        trace = float(lengths @ (posteriors * (1 - posteriors)).sum(axis=1)) / len(self.rows)
        n_features = self.rows.shape[1]
        n_weights = self.n_classes * n_features
        scale = n_weights / (2 * self.prior_strength * n_features)
        return float(scale * np.log1p(self.prior_strength / n_weights * trace))


def _minimise(probe: _Probe) -> tuple[Float64Array, bool]:
    from scipy.optimize import minimize

    shape = (probe.rows.shape[1] + 1, probe.n_classes)

    def flat(weights: Float64Array) -> tuple[float, Float64Array]:
        loss, gradient = probe.loss_and_gradient(weights.reshape(shape))
        return loss, gradient.ravel()

    found = minimize(
        flat,
        np.zeros(shape).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": _MAX_ITERATIONS,
            "maxfun": 2 * _MAX_ITERATIONS,
            "gtol": _GRADIENT_TOLERANCE,
            "ftol": _LOSS_TOLERANCE,
            "maxcor": 30,
        },
    )
    return found.x.reshape(shape), bool(found.success)


METRIC = Metric(
    name="pactran",
    summary="PAC-Bayes bound of a linear probe, Gaussian prior",
    paper="Ding et al., ECCV 2022, arXiv 2203.05126",
    version=1,
    higher_is_better=False,
    predicts="linear probe",
    cost="N C d a step",
    traps="Depends on the strength of the prior, which the paper tunes.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"strength": 10.0, "seed": 0},
    bounds=(0.0, float("inf")),
)
