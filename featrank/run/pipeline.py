"""The one read: resolve, plan, extract what is missing, score, rank."""

from __future__ import annotations

from functools import partial

from featrank.config import RunConfig
from featrank.metrics import SOURCE_PROBS
from featrank.records import CACHED, FAILED, OK, ExtractionReport, Result
from featrank.reporting import Reporter
from featrank.run.context import resolve
from featrank.run.extract_missing import extract_missing
from featrank.run.plan import Candidate, plan_models
from featrank.run.progress import Progress, Publish
from featrank.run.ranked import rank_rows_of
from featrank.run.rows import score_model
from featrank.scoring.choice import choose_metrics


def rank_models(config: RunConfig, reporter: Reporter, publish: Publish | None = None) -> Result:
    """Rank the models that a configuration names on its target.

    Args:
        config: What was asked for.
        reporter: Told of it.
        publish: Given the partial result before the first model, and as models are finished.

    Raises:
        InputError: Asked wrongly: nothing was scored.
    """
    metrics = choose_metrics(config.metrics, config.by)
    needs_head = any(metric.needs == SOURCE_PROBS for metric in metrics)
    with resolve(config, reporter) as run:
        progress = Progress(partial(rank_rows_of, run, metrics), publish)
        plans = plan_models(run, needs_head=needs_head)
        progress.start(plans)
        for i, plan in progress.extracted(extract_missing(plans, run)):
            progress.add(i, plan, score_model(plan, metrics, run))
        return progress.result


def extract_models(config: RunConfig, reporter: Reporter) -> list[ExtractionReport]:
    """Fill the cache with the models' features; what was done, in the order asked for.

    Raises:
        InputError: Asked wrongly: nothing was done.
    """
    with resolve(config, reporter) as run:
        done = dict(extract_missing(plan_models(run), run))
    return [_report(candidate) for i in sorted(done) for candidate in done[i].candidates]


def _report(candidate: Candidate) -> ExtractionReport:
    layer, error = candidate.layer, candidate.error
    if layer is None or error is not None:
        reason, hint = (error.message, error.hint) if error else ("no features", "")
        return ExtractionReport(candidate.model, FAILED, reason=reason, hint=hint)
    return ExtractionReport(
        model=candidate.model,
        status=OK if candidate.forwarded else CACHED,
        forwarded=candidate.forwarded,
        key=layer.key,
        n_rows=layer.manifest.n_rows,
        n_features=layer.manifest.n_features,
        images_per_second=layer.manifest.extraction.get("images_per_second"),
    )
