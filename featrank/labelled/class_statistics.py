"""The statistics of a whole layer that its metrics share, each computed when first asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from featrank.errors import InputError
from featrank.labelled.held_out import FoldedLayer, folded
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Float64Array, Moments

# Of the total variance; less inside the classes is rounding.
_NEGLIGIBLE = 1e-24

# Singular values below this times the largest times the size of the matrix are rounding.
_RANK_TOLERANCE = 10 * np.finfo(np.float64).eps

# Times the width: less shrinkage than this is lost to rounding.
NO_SHRINKAGE = 1e-14

# A squared distance from the identity below this share of the squared norm is rounding.
_IDENTITY = 1e-14

# Of a feature's mean: a smaller standard deviation is rounding.
_CONSTANT = 1e-13

# Of the total standard deviation: closer class means are rounding.
_EQUAL_MEANS = 1e-12


class ClassStatistics:
    """Σ_T, Σ_W, Σ_B and what follows from them; populations' denominators (N) throughout.

    Args:
        labelled: Features and labels.

    Attributes:
        layer: The rows, centred on their mean; its numbering of classes holds here.
        counts: ``(n_classes,)``.
        within: ``(n_features, n_features)`` Σ_W.
        between_root: ``(n_classes, n_features)``, with Σ_B = ``between_root.T @ between_root``.
        spreads: ``(n_classes,)`` squared deviations from the class mean, summed over rows and
            features.

    Raises:
        InputError: Every sample has the same features, or every class a single sample.
    """

    def __init__(self, labelled: Labelled) -> None:
        # The default folds, so that the held-out metrics have them for nothing.
        self.layer: FoldedLayer = folded(labelled, 5, 0)
        self.layer.require_variation()
        moments = Moments.union(self.layer.moments(full=True))
        self.n_samples, self.n_features = labelled.n_samples, labelled.n_features
        self.counts = moments.counts
        self.spreads = moments.spreads
        self.within: Float64Array = moments.scatter() / self.n_samples
        self.between_root = moments.between_root() / np.sqrt(self.n_samples)
        # Of the rows as they came: float32 holds 24 binary digits.
        self._rounding = float(np.finfo(labelled.rows.dtype).eps)
        self._fourth_within = moments.fourth_within
        self._fourth_total = moments.fourth_total

    @property
    def n_classes(self) -> int:
        return len(self.counts)

    @property
    def shares(self) -> Float64Array:
        """``(n_classes,)`` p_c."""
        shares: Float64Array = self.counts / self.n_samples
        return shares

    @property
    def total_trace(self) -> float:
        return float(np.trace(self.within) + np.square(self.between_root).sum())

    def total(self) -> Float64Array:
        """``(n_features, n_features)`` Σ_T = Σ_W + Σ_B, anew each time: it is large."""
        total: Float64Array = self.within + self.between_root.T @ self.between_root
        return total

    @cached_property
    def feature_scales(self) -> Float64Array:
        """``(n_features,)``: brings every feature to variance 1; 0 for one that is constant."""
        variances = np.diag(self.within) + np.square(self.between_root).sum(axis=0)
        deviations = np.sqrt(np.maximum(variances, 0.0))
        scales: Float64Array = np.zeros_like(deviations)
        varies = deviations > _CONSTANT * np.abs(self.layer.shift)
        np.divide(1.0, deviations, out=scales, where=varies)
        return scales

    @property
    def rounding_of_means(self) -> float:
        """Class means whose squared distance is not above this are equal."""
        lengths = self.total_trace + float(np.square(self.layer.shift).sum())
        return max(_EQUAL_MEANS**2 * self.total_trace, self._rounding**2 * lengths)

    def require_within(self) -> None:
        """Refuse classes without variation, where Σ_W is to be inverted.

        Raises:
            InputError: The features do not vary inside the classes.
        """
        if np.trace(self.within) <= _NEGLIGIBLE * self.total_trace:
            raise InputError("features do not vary inside the classes")

    @cached_property
    def between_values(self) -> tuple[Float64Array, Float64Array]:
        """The nonzero eigenvalues of Σ_B and their eigenvectors ``(rank, n_features)``.

        Raises:
            InputError: All class means are equal.
        """
        from scipy.linalg import svd

        _, values, vectors = svd(self.between_root, full_matrices=False, check_finite=False)
        floor = max(self.between_root.shape) * _RANK_TOLERANCE * values[0]
        kept = values > max(floor, np.sqrt(self.rounding_of_means))
        if not kept.any():
            raise InputError("all classes have the same mean")
        return np.square(values[kept]), vectors[kept]

    @cached_property
    def within_shrinkage(self) -> float:
        """Ledoit-Wolf's intensity for Σ_W, in [0, 1]."""
        return ledoit_wolf(self.within, self._fourth_within, self.n_samples)

    @cached_property
    def total_shrinkage(self) -> float:
        """Ledoit-Wolf's intensity for Σ_T, in [0, 1]."""
        return ledoit_wolf(self.total(), self._fourth_total, self.n_samples)


def ledoit_wolf(matrix: Float64Array, fourth: float, n_samples: int) -> float:
    """The intensity of shrinking a covariance towards a multiple of the identity.

    Ledoit & Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", JMA
    2004. With x the deviations behind S and μ = tr(S)/d::

        α = min(1, (mean ‖x‖⁴ - ‖S‖²) / N / ‖S - μI‖²)

    Args:
        matrix: S ``(n_features, n_features)``, the mean of x xᵀ.
        fourth: The sum of ‖x‖⁴.
        n_samples: N.
    """
    if len(matrix) == 1:
        return 0.0
    norm = float(np.square(matrix).sum())
    error = (fourth / n_samples - norm) / n_samples
    distance = norm - float(np.trace(matrix)) ** 2 / len(matrix)
    # At a multiple of the identity rounding must not decide.
    return float(np.clip(error / distance, 0.0, 1.0)) if distance > _IDENTITY * norm else 1.0


def statistics(labelled: Labelled) -> ClassStatistics:
    """The layer's statistics, shared by all metrics."""
    return labelled.remember("class statistics", lambda: ClassStatistics(labelled))


def shrunk(matrix: Float64Array, intensity: float) -> Float64Array:
    """``(1 - α) S + α tr(S)/d I``."""
    result: Float64Array = (1.0 - intensity) * matrix
    result[np.diag_indices_from(result)] += intensity * np.trace(matrix) / len(matrix)
    return result
