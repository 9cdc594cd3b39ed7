"""From rows to the result of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from featrank.metrics import Metric
from featrank.records import Offered, Result, TargetInfo
from featrank.results.rank import rank_layers
from featrank.results.votes import without_vote
from featrank.run.context import RunContext
from featrank.run.plan import Candidate
from featrank.run.progress import Progress
from featrank.targets import Target


def rank_rows_of(run: RunContext, metrics: Sequence[Metric], progress: Progress) -> Result:
    """The result of a run as far as it is: its rows in order, and all that made them."""
    names = [metric.name for metric in metrics]
    across_widths = {metric.name for metric in metrics if metric.across_widths}
    candidates = (candidate for plan in progress.done for candidate in plan.candidates)
    return Result(
        ranking=rank_layers(
            progress.rows, names, run.config.by, across_widths, without_vote(names)
        ),
        target=describe(run.target, candidates),
        config=run.config.document,
        stamp=run.stamp,
        candidates=run.candidates,
        partial=progress.partial,
        timings=progress.seconds,
    )


def describe(target: Target, candidates: Iterable[Candidate]) -> TargetInfo:
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
        (*target.all_warnings, *(() if manifest is None else manifest.warnings)),
        len(set(filter(None, target.groups or ()))),
    )
