"""The one read: resolve → plan → extract or reuse → score → rank."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from featrank.config import RunConfig
from featrank.metrics import SOURCE_PROBS
from featrank.records import (
    CACHED,
    FAILED,
    OK,
    ExtractionReport,
    Offered,
    Result,
    ScoreRow,
    TargetInfo,
)
from featrank.reporting import Reporter
from featrank.results.rank import rank_layers
from featrank.results.votes import without_vote
from featrank.run.context import open_run
from featrank.run.plan import Candidate, Pass
from featrank.run.rows import score_candidate
from featrank.run.stopwatch import Laps
from featrank.scoring.layer_scores import choose_metrics
from featrank.stamp import make_stamp
from featrank.targets import Target

Publish = Callable[[Result], None]

_SECONDS_BETWEEN_RESULTS = 1.0


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
    across_widths = {metric.name for metric in metrics if metric.across_widths}
    names = [metric.name for metric in metrics]
    filled: dict[int, Pass] = {}
    rows: dict[int, list[ScoreRow]] = {}
    laps = Laps()
    with open_run(config, reporter, needs_head=needs_head) as run:
        target = run.target
        stamp = make_stamp(config.stamp_facts(target.fingerprint))

        def result() -> Result:
            in_order = [row for i in sorted(rows) for row in rows[i]]
            return Result(
                ranking=rank_layers(in_order, names, config.by, across_widths, without_vote(names)),
                target=describe(target, _candidates(filled)),
                config=config.document,
                stamp=stamp,
                candidates=run.candidates,
                partial=len(filled) < len(run.passes),
                timings=laps.seconds,
            )

        if publish is not None:
            publish(result())
        laps.lap("plan")
        published = time.monotonic()
        for i, done in run.fill(reporter):
            laps.lap("extract")
            filled[i] = done
            head = done.head.layer if done.head is not None else None
            rows[i] = [
                score_candidate(c, metrics, run.store, head, config.shuffles)
                for c in done.candidates
            ]
            laps.lap("score")
            # Cached models follow one another at once: files after each would take longer.
            due = time.monotonic() - published > _SECONDS_BETWEEN_RESULTS
            if publish is not None and (due or len(filled) >= run.n_at_hand):
                publish(result())
                published = time.monotonic()
        return result()


def extract_models(config: RunConfig, reporter: Reporter) -> list[ExtractionReport]:
    """Fill the cache with the models' features; what was done, in the order asked for.

    Raises:
        InputError: Asked wrongly: nothing was done.
    """
    with open_run(config, reporter) as run:
        filled = dict(run.fill(reporter))
    return [_report(candidate) for candidate in _candidates(filled)]


def _candidates(filled: Mapping[int, Pass]) -> list[Candidate]:
    return [candidate for i in sorted(filled) for candidate in filled[i].candidates]


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


def describe(target: Target, candidates: Sequence[Candidate]) -> TargetInfo:
    """The target as it was scored: without the images that turned out to be unreadable."""
    manifest = next((c.layer.manifest for c in candidates if c.layer is not None), None)
    counts = target.class_counts if manifest is None else manifest.class_counts
    skipped = target.skipped if manifest is None else (*target.skipped, *manifest.skipped)
    was = target.offered
    return TargetInfo(
        target.name,
        target.fingerprint,
        target.split,
        counts,
        skipped,
        Offered(sum(was.values()), len(was)) if was is not None else None,
        target.n_duplicates,
        target.all_warnings,
        len(set(filter(None, target.groups or ()))),
    )
