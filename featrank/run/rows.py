"""From a model's features to its rows of the table."""

from __future__ import annotations

from collections.abc import Sequence

from featrank.cache.stored_features import StoredFeatures
from featrank.metrics import Metric
from featrank.records import CACHED, FAILED, OK, LayerRef, ModelRef, ScoreRow, Shuffles, Status
from featrank.run.context import RunContext
from featrank.run.plan import Candidate, ModelPlan
from featrank.scoring.layer_scores import layer_scores


def score_model(plan: ModelPlan, metrics: Sequence[Metric], run: RunContext) -> list[ScoreRow]:
    """A row for each of a model's layers; scores that are kept are not computed again.

    Args:
        plan: The model, its layers extracted.
        metrics: In the order of the columns.
        run: Where the features are, and how a null is made.
    """
    head = plan.head.layer if plan.head is not None else None

    def row(candidate: Candidate) -> ScoreRow:
        if candidate.layer is None or candidate.error is not None:
            return _failed(candidate)
        stored = StoredFeatures(run.store, candidate.layer, head)
        return layer_row(
            candidate.model,
            stored,
            metrics,
            run.config.shuffles,
            status=OK if candidate.forwarded else CACHED,
            depth=candidate.depth,
        )

    return [row(candidate) for candidate in plan.candidates]


def layer_row(
    model: ModelRef,
    stored: StoredFeatures,
    metrics: Sequence[Metric],
    shuffles: Shuffles | None = None,
    *,
    status: Status = CACHED,
    depth: float | None = None,
) -> ScoreRow:
    """One stored layer's row.

    Args:
        model: Whose layer it is.
        stored: Its features.
        metrics: In the order of the columns.
        shuffles: The label permutations whose scores stand beside; None for none.
        status: Whether this run made the features.
        depth: Share of the network's multiply-adds up to the layer, where it is known.
    """
    manifest = stored.layer.manifest
    return ScoreRow(
        model=model,
        layer=LayerRef(manifest.key["layer"], manifest.key["pooling"]),
        status=status,
        n_params=manifest.n_params,
        n_features=manifest.n_features,
        images_per_second=manifest.extraction.get("images_per_second"),
        loading=manifest.extraction.get("loading"),
        weights_notes=manifest.extraction.get("weights_notes"),
        scores=layer_scores(stored, metrics, shuffles),
        depth=depth,
        weights=manifest.key.get("weights"),
        device=manifest.extraction.get("device"),
    )


def _failed(candidate: Candidate) -> ScoreRow:
    error = candidate.error
    reason, hint = (error.message, error.hint) if error else ("no features", "")
    return ScoreRow(candidate.model, LayerRef(), status=FAILED, reason=reason, hint=hint)
