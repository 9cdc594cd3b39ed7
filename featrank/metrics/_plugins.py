"""Metrics from other installed packages: the entry-point group ``featrank.metrics``.

An entry point names a :class:`~featrank.metrics._declaration.Metric`, or a module with one called
``METRIC``. Whatever is wrong with a plug-in is a warning that names its package.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Collection
from dataclasses import fields, replace
from importlib.metadata import EntryPoint
from typing import Any

from featrank.labelled.labelled import Labelled
from featrank.metrics._declaration import SOURCE_PROBS, Bounds, Metric
from featrank.records import Score
from featrank.registry import guarded, leave_out, plugin_points, stdout_is_data

GROUP = "featrank.metrics"

# It becomes part of a file's name; "all" means every metric.
_NAME = re.compile(r"(?!all$)[a-z][a-z0-9_]*")

# What the fields of a declaration must be, by their annotations.
_KINDS: dict[str, type] = {"str": str, "bool": bool, "int": int}


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
    with stdout_is_data():
        loaded = point.load()
    metric = getattr(loaded, "METRIC", loaded)
    if not isinstance(metric, Metric):
        raise TypeError(f"{point.value} is no Metric but {type(metric).__name__}")
    if not _NAME.fullmatch(metric.name):
        raise ValueError(f"{metric.name!r} is no name for a metric: a-z, 0-9 and _ only")
    _check_fields(metric)
    json.dumps([metric.version, dict(metric.params)], allow_nan=False)
    compute, bounds_for = metric.compute, metric.bounds_for

    @functools.wraps(compute)
    def plain(labelled: Labelled, **params: Any) -> Score:
        return _plain(compute(labelled, **params))

    def ranged(labelled: Labelled) -> Bounds:
        return _check_bounds(bounds_for(labelled) if bounds_for is not None else None)

    return replace(
        metric,
        compute=guarded(plain, f"the plug-in {origin}"),
        bounds_for=None if bounds_for is None else guarded(ranged, f"the plug-in {origin}"),
        origin=origin,
    )


def _check_fields(metric: Metric) -> None:
    """Refuse a declaration whose fields are of another type.

    Raises:
        TypeError: It names the field.
        ValueError: The bounds are no range.
    """
    for item in fields(metric):
        value, kind = getattr(metric, item.name), _KINDS.get(str(item.type))
        if kind is not None and not isinstance(value, kind):
            raise TypeError(f"{item.name} must be {item.type}, not {value!r}")
    if metric.needs not in ("moments", "features", SOURCE_PROBS):
        raise ValueError(f"needs must be moments, features or {SOURCE_PROBS}, not {metric.needs!r}")
    if not callable(metric.compute):
        raise TypeError(f"compute must be a function, not {metric.compute!r}")
    _check_bounds(metric.bounds)


def _check_bounds(bounds: Any) -> Bounds:
    """The bounds, if they are two numbers in order."""
    if not (
        isinstance(bounds, tuple)
        and len(bounds) == 2
        and all(isinstance(bound, (int, float)) for bound in bounds)
        and bounds[0] < bounds[1]
    ):
        raise ValueError(f"bounds must be two numbers, the lower first, not {bounds!r}")
    return bounds


def _plain(score: Score) -> Score:
    """The score in Python's own types, as it is written to JSON."""
    details: dict[str, Any] = json.loads(json.dumps(dict(score.details), allow_nan=False))
    tie_break = None if score.tie_break is None else float(score.tie_break)
    if tie_break is not None and not math.isfinite(tie_break):
        raise ValueError(f"the tie-break is {tie_break}")
    interval = None
    if score.interval is not None:
        low, high = map(float, score.interval)
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(f"the interval is {low} to {high}")
        interval = (low, high)
    return Score(float(score.value), tie_break, details, interval, tuple(map(str, score.remarks)))
