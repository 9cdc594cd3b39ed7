"""What a metric declares about itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any

import numpy.typing as npt

from featrank.errors import IncompleteError, InputError
from featrank.labelled.labelled import Labelled
from featrank.records import Score
from featrank.registry import did_you_mean

# How far beyond its bounds rounding may carry a value, relative to the bound.
_ROUNDING = 1e-6

Bounds = tuple[float, float]

MOMENTS, FEATURES, SOURCE_PROBS = "moments", "features", "source_probs"


@dataclass(frozen=True, slots=True)
class Metric:
    """A training-free transferability metric.

    Attributes:
        name: Its name on the command line; the file has the same.
        summary: One line: what it measures.
        paper: Authors, venue, arXiv number.
        version: Raised whenever the number for the same input changes.
        higher_is_better: The direction.
        predicts: What it claims to predict: "linear probe", "few-shot", "fine-tuning"; "nothing"
            for diagnostics.
        cost: How its work grows with N rows, d features, C classes, S pre-training classes.
        traps: Where its number misleads.
        compute: The metric: ``compute(labelled, **params)``.
        params: The parameters and their defaults.
        needs: "moments" where the rows may be streamed, "features" where they must be in memory,
            "source_probs" where it reads the pre-training classifier.
        max_rows: Of more rows than about so many a seeded sample is scored, and ``details`` say of
            how many in ``sampled_rows``; None where all rows are.
        alike: A metric that ranks as this one does, or nearly: where both are asked for, only that
            one counts in the mean rank.
        bounds: The range the value cannot leave, as known from the formula.
        bounds_for: The range for given data, where it follows from their shape.
        across_widths: Whether the number compares between layers of different width.
        sees_labels: False for diagnostics, and for metrics that wrong labels do not lower.
        reads_labels: False for diagnostics of the features alone: permuted labels change nothing.
        origin: The package, with its version, that a plug-in came from; empty for our own.
    """

    name: str
    summary: str
    paper: str
    version: int
    higher_is_better: bool
    predicts: str
    compute: Callable[..., Score]
    cost: str = ""
    traps: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    needs: str = FEATURES
    max_rows: int | None = None
    alike: str = ""
    bounds: Bounds = (-math.inf, math.inf)
    bounds_for: Callable[[Labelled], Bounds] | None = None
    across_widths: bool = True
    sees_labels: bool = True
    reads_labels: bool = True
    origin: str = ""

    def score(self, labelled: Labelled, **params: Any) -> Score:
        """The value with its details.

        Raises:
            InputError: The features or labels cannot be scored, or there is no such parameter; the
                message names the reason.
            IncompleteError: The value lies beyond its bounds.
        """
        for name, value in params.items():
            if name not in self.params:
                listing = f"it has: {', '.join(self.params) or 'none'}"
                raise InputError(
                    f"metric '{self.name}' has no parameter '{name}'",
                    did_you_mean(name, self.params, listing),
                )
            self._check(name, value)
        score = self.compute(labelled, **{**self.params, **params})
        bounds = self.bounds if self.bounds_for is None else self.bounds_for(labelled)
        details = score.details if self.reads_labels else {"label_free": True, **score.details}
        remarks = score.remarks
        if n_classes := details.get("sampled_classes"):
            remarks = (*remarks, f"of a sample of the classes as well: {n_classes}")
        value = self._within(score.value, bounds)
        return replace(score, value=value, details=details, remarks=remarks)

    def __call__(self, features: npt.ArrayLike, labels: npt.ArrayLike, **params: Any) -> float:
        """The value alone.

        Args:
            features: ``(n_samples, n_features)``; source probabilities where the metric needs them.
            labels: ``(n_samples,)``, integers or strings.
            params: Overrides of the declared parameters.

        Raises:
            InputError: The features or labels cannot be scored; the message names the reason.
        """
        return self.score(Labelled.from_arrays(features, labels), **params).value

    def _check(self, name: str, value: Any) -> None:
        """Refuse a value that is not of its default's kind."""
        default = self.params[name]
        if default is None or isinstance(default, bool):
            return
        if isinstance(default, int) and not isinstance(value, Integral):
            raise InputError(f"{self.name} needs a whole number for {name}, got {value!r}")
        if isinstance(default, float) and not (isinstance(value, Real) and math.isfinite(value)):
            raise InputError(f"{self.name} needs a finite number for {name}, got {value!r}")
        if name == "seed" and not 0 <= value < 2**32:
            raise InputError(f"{self.name} needs a seed from 0 to 4294967295, got {value}")

    def _within(self, value: float, bounds: Bounds) -> float:
        """The value, with what rounding carried beyond its bounds taken back."""
        nearest = min(max(value, bounds[0]), bounds[1])
        if math.isfinite(value) and abs(value - nearest) > _ROUNDING * max(1.0, abs(nearest)):
            whose = f" of {self.origin}" if self.origin else ""
            raise IncompleteError(
                f"metric '{self.name}'{whose} left its bounds: {value:g} is not within"
                f" {bounds[0]:g} to {bounds[1]:g}",
                "this is a fault of the metric: please report it with the features",
            )
        return nearest if math.isfinite(value) else value
