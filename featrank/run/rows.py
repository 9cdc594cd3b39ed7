"""From a candidate to its row of the table."""

from __future__ import annotations

from collections.abc import Sequence

from featrank.cache.store import FeatureStore, Layer
from featrank.metrics import Metric
from featrank.records import CACHED, FAILED, OK, LayerRef, ScoreRow, Shuffles
from featrank.run.plan import Candidate
from featrank.scoring.layer_scores import layer_scores


def score_candidate(
    candidate: Candidate,
    metrics: Sequence[Metric],
    store: FeatureStore,
    head: Layer | None = None,
    shuffles: Shuffles | None = None,
) -> ScoreRow:
    """One row of the ranking; scores that are kept are not computed again.

    Args:
        candidate: The layer.
        metrics: In the order of the columns.
        store: Where the features are.
        head: The probabilities of the pre-training classes, for the metrics that need them.
        shuffles: The label permutations whose scores stand beside; None for none.
    """
    model, layer, error = candidate.model, candidate.layer, candidate.error
    if layer is None or error is not None:
        reason, hint = (error.message, error.hint) if error else ("no features", "")
        return ScoreRow(model, LayerRef(), FAILED, reason, hint)
    return ScoreRow(
        model=model,
        layer=LayerRef(layer.manifest.key["layer"], layer.manifest.key["pooling"]),
        status=OK if candidate.forwarded else CACHED,
        n_params=layer.manifest.n_params,
        n_features=layer.manifest.n_features,
        images_per_second=layer.manifest.extraction.get("images_per_second"),
        loading=layer.manifest.extraction.get("loading"),
        scores=layer_scores(layer, metrics, store, head, shuffles),
        depth=candidate.depth,
        weights=layer.manifest.key.get("weights"),
        device=layer.manifest.extraction.get("device"),
    )
