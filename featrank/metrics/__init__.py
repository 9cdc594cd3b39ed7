"""The metrics: one file each, found by scanning this folder; other packages may add to them.

``from featrank.metrics import tmi; tmi(features, labels)`` returns a float: the name gives the
file's declaration, which can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType

from featrank.metrics._declaration import MOMENTS, SOURCE_PROBS, Metric
from featrank.metrics._description import LEFT_OUT, LEGEND, describe
from featrank.metrics._plugins import load_plugins
from featrank.registry import Registry

__all__ = ["LEFT_OUT", "LEGEND", "METRICS", "MOMENTS", "SOURCE_PROBS", "Metric", "describe"]

METRICS: Registry[Metric] = Registry(__name__, "METRIC", "metric", load_plugins)


class _Package(ModuleType):
    """Binds a metric's name to its declaration where the import system would bind the module."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, getattr(value, "METRIC", value))

    def __getattr__(self, name: str) -> Metric:
        if name.startswith("_") or name not in METRICS.names():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return METRICS.get(name)


sys.modules[__name__].__class__ = _Package
