"""LEEP on the posteriors of a Gaussian mixture."""

from __future__ import annotations

import warnings

import numpy as np

from featrank.errors import InputError
from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.labelled import Labelled
from featrank.labelled.principal_components import principal_components
from featrank.labelled.threads import threads_for
from featrank.metrics._declaration import Metric
from featrank.metrics.leep import expected_log_prediction
from featrank.records import Score

# More rows are sampled down to about this many.
_MAX_ROWS = 10_000

# Every component shall have this many rows on average.
_ROWS_PER_COMPONENT = 5


def compute(
    labelled: Labelled, *, components_per_class: int = 5, share: float = 0.8, seed: int = 0
) -> Score:
    """LEEP where the components of a Gaussian mixture stand for the source classes.

    Li et al., "Ranking Neural Checkpoints", CVPR 2021 (arXiv 2011.11200): PCA to 80 % of the
    variance, a mixture of 5 components a class, LEEP of its posteriors. It needs no pre-training
    classifier. Components have diagonal covariances, as the mixture is fitted along principal
    axes: full ones have more parameters than most target sets have values. Coordinates are divided
    by their common root mean square, which makes scikit-learn's floor on variances relative.

    The mixture is scikit-learn's ``GaussianMixture(n, covariance_type="diag",
    init_params="k-means++", random_state=seed)`` on the rows in canonical order.

    Edge rules: at most one component per 5 rows, at least two.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 10 000 rows a sample of
            each class is taken; ``details`` say so.
        components_per_class: Mixture components for each class.
        share: Of the variance, held by the principal components.
        seed: Starts the mixture, and chooses the sample.

    Raises:
        InputError: Features are constant, or a parameter is out of range.
    """
    if components_per_class < 1 or not 0 < share <= 1:
        raise InputError(
            "nleep needs components_per_class of at least 1 and a share above 0, at most 1, got"
            f" {components_per_class} and {share}"
        )
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    scores = principal_components(sample.features, min(sample.features.shape), share=share)
    scores /= np.sqrt(np.square(scores).mean())
    n_components = max(
        2, min(components_per_class * sample.n_classes, sample.n_samples // _ROWS_PER_COMPONENT)
    )
    details = {
        "principal_components": scores.shape[1],
        "mixture_components": n_components,
        "seed": seed,
        **details,
    }
    posteriors = _mixture_posteriors(scores, n_components, seed)
    return Score(expected_log_prediction(posteriors, sample), details=details)


def _mixture_posteriors(scores: Float64Array, n_components: int, seed: int) -> Float64Array:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    # k-means, the other start, adds up over threads in any order.
    mixture = GaussianMixture(
        n_components, covariance_type="diag", init_params="k-means++", random_state=seed
    )
    with warnings.catch_warnings(), threads_for(scores.size * n_components):
        # 100 iterations without the last digit are enough for posteriors.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(scores)
    posteriors: Float64Array = mixture.predict_proba(scores)
    return posteriors


METRIC = Metric(
    name="nleep",
    summary="LEEP on the posteriors of a Gaussian mixture; needs no source classifier",
    paper="Li et al., CVPR 2021, arXiv 2011.11200",
    version=1,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N C d",
    traps="Depends on where the mixture starts: the seed is fixed. Few images a class"
    " leave it few components.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"components_per_class": 5, "share": 0.8, "seed": 0},
    bounds=(float("-inf"), 0.0),
)
