"""Metrics from other installed packages: the entry-point group ``featrank.metrics``.

An entry point names a :class:`~featrank.metrics.declaration.Metric`, or a module with one called
``METRIC``. Whatever is wrong with a plug-in is a warning that names its package.
"""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

from featrank.errors import FeatrankError, IncompleteError
from featrank.metrics.declaration import Metric
from featrank.metrics.labelled import Labelled
from featrank.records import Score
from featrank.registry import leave_out, plugin_points

GROUP = "featrank.metrics"

# It becomes part of a file's name; "all" means every metric.
_NAME = re.compile(r"(?!all$)[a-z][a-z0-9_]*")

T = TypeVar("T")

log = logging.getLogger("featrank")


def load_plugins(taken: Collection[str]) -> dict[str, Metric]:
    """The plug-ins' metrics by name.

    Args:
        taken: Names that no plug-in can have.
    """
    found: dict[str, Metric] = {}
    for origin, point in plugin_points(GROUP):
        try:
            metric = _load(point, origin)
            if metric.name in taken:
                raise ValueError(f"the metric {metric.name!r} is built in; choose another name")
            if metric.name in found:
                other = found[metric.name].origin
                raise ValueError(f"the metric {metric.name!r} comes from {other} already")
        except (Exception, SystemExit) as error:
            leave_out(origin, point.name, error)
        else:
            found[metric.name] = metric
    return found


def _load(point: EntryPoint, origin: str) -> Metric:
    """The metric that an entry point names, with its origin.

    Raises:
        Exception: Anything at all, from the package's own code or because it is no metric.
    """
    loaded = point.load()
    metric = getattr(loaded, "METRIC", loaded)
    if not isinstance(metric, Metric):
        raise TypeError(f"{point.value} is no Metric but {type(metric).__name__}")
    if not _NAME.fullmatch(metric.name):
        raise ValueError(f"{metric.name!r} is no name for a metric: a-z, 0-9 and _ only")
    json.dumps([metric.version, dict(metric.params)], allow_nan=False)
    compute, bounds_for = metric.compute, metric.bounds_for

    @functools.wraps(compute)
    def plain(labelled: Labelled, **params: Any) -> Score:
        return _plain(compute(labelled, **params))

    return replace(
        metric,
        compute=_guarded(plain, origin),
        bounds_for=None if bounds_for is None else _guarded(bounds_for, origin),
        origin=origin,
    )


def _plain(score: Score) -> Score:
    """The score in Python's own types, as it is written to JSON."""
    details: dict[str, Any] = json.loads(json.dumps(dict(score.details), allow_nan=False))
    tie_break = None if score.tie_break is None else float(score.tie_break)
    return Score(float(score.value), tie_break, details)


def _guarded(call: Callable[..., T], origin: str) -> Callable[..., T]:
    """The same, whose every failure is one cell's reason and not the end of the program."""

    @functools.wraps(call)
    def guarded(labelled: Labelled, **params: Any) -> T:
        try:
            return call(labelled, **params)
        except FeatrankError:
            raise
        except Exception as error:
            log.debug("%s failed", origin, exc_info=True)
            raise IncompleteError(f"the plug-in {origin} failed: {error!r}") from error

    return guarded
