"""What there is to say of a metric, from its declaration and its function's docstring."""

from __future__ import annotations

import inspect
import math
from typing import Any

from featrank.metrics._declaration import Metric

LEFT_OUT = (
    "NCTI and ETran are left out: they scale each of their terms over the candidates at hand, so a"
    " model's number changes when another model joins. It could not be kept, gated or compared."
    " Kin that need no pool: nc1, cdnv and ncm; gda and sfda."
)
LEGEND = (
    "needs: moments are read in blocks, with memory that does not grow with the images; features"
    " are all in memory; source_probs are the predictions of the model's own classifier."
    " cost: N images, d features, C classes, S pre-training classes."
)

FOLDS = (
    "Folds: scikit-learn's StratifiedKFold(folds, shuffle=True, random_state=seed), with groups",
    "StratifiedGroupKFold, over the rows in canonical order: sorted by their first feature as",
    "float32, then the second, and so on. As many folds as the largest class has rows, where these",
    "are fewer. Every row is held out once, and a class's recall is taken over all folds together.",
)


def describe(metric: Metric) -> dict[str, Any]:
    """A metric as JSON; a bound that is infinite is null."""
    return {
        "name": metric.name,
        "summary": metric.summary,
        "higher_is_better": metric.higher_is_better,
        "needs": metric.needs,
        "predicts": metric.predicts,
        "cost": metric.cost,
        "max_rows": metric.max_rows,
        "paper": metric.paper,
        "version": metric.version,
        "params": dict(metric.params),
        "bounds": [bound if math.isfinite(bound) else None for bound in metric.bounds],
        "bounds_depend_on_data": metric.bounds_for is not None,
        "across_widths": metric.across_widths,
        "sees_labels": metric.sees_labels,
        "label_free": not metric.reads_labels,
        "alike": metric.alike or None,
        "traps": metric.traps,
        "formula": formula(metric),
        "origin": metric.origin or "featrank",
    }


def formula(metric: Metric) -> str:
    """The function's docstring up to its arguments: formula, source, edge rules, folds."""
    text = inspect.cleandoc(metric.compute.__doc__ or "")
    lines: list[str] = []
    for line in text.splitlines():
        if line in ("Args:", "Returns:", "Raises:"):
            break
        lines.append(line)
    if "folds" in metric.params:
        lines += ["", *FOLDS]
    return "\n".join(lines).strip()
