"""Write the stub that tells type checkers what ``from featrank.metrics import tmi`` is.

Without it they take the name for the module, which cannot be called.

    python scripts/write_metric_stub.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import featrank.metrics
from featrank.metrics import METRICS

PATH = Path(featrank.metrics.__file__).with_suffix(".pyi")
HEAD = '''"""A metric's name is its declaration, not its module; made by write_metric_stub.py."""

from featrank.metrics._declaration import MOMENTS, SOURCE_PROBS, Metric
from featrank.metrics._description import LEFT_OUT, LEGEND, describe
from featrank.registry import Registry

__all__ = ["LEFT_OUT", "LEGEND", "METRICS", "MOMENTS", "SOURCE_PROBS", "Metric", "describe"]

METRICS: Registry[Metric]

'''


def stub() -> str:
    """A line for each metric that is built in."""
    return HEAD + "".join(f"{metric.name}: Metric\n" for metric in METRICS if not metric.origin)


def main() -> None:
    """Write it, or tell whether it is stale."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="fail where it is stale")
    arguments = parser.parse_args()
    if not arguments.check:
        PATH.write_text(stub())
    elif not PATH.exists() or PATH.read_text() != stub():
        sys.exit(f"{PATH.name} is stale; run {sys.argv[0]}")


if __name__ == "__main__":
    main()
