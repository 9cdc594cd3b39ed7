"""Make the table of figures that `featrank models` shows, from timm and its published results.

Parameters and feature widths are counted on networks without numbers. Multiply-adds and top-1 are
timm's published ones; multiply-adds that it does not publish for the input size are counted.

    python scripts/make_model_table.py RESULTS_FOLDER --date 2026-08-08
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import timm
import torch

import featrank.zoos
from featrank.layers.find import find_layers
from featrank.zoos._timm_index import IndexEntry, TimmIndex

TABLE = Path(featrank.zoos.__file__).parent / "data" / "timm_models.csv"
COLUMNS = ("name", "n_params", "macs", "n_features", "top1", "top1_size")
ABOUT = """# The figures of timm's models

`timm_models.csv` was made by `scripts/make_model_table.py` with timm {version}.

- `n_params`, `n_features`: counted; the features are what the classifier reads.
- `macs`: multiply-adds for one image at the model's input size, as timm publishes them (GMACs of
  its inference benchmarks, {date}); where it does not for that size ({n_counted} models), counted
  by `featrank layers`.
- `top1`, `top1_size`: ImageNet-1k validation top-1 in percent and the input size it was measured
  at, as timm publishes them (`results-imagenet.csv`, {date}): at the model's own input size where
  there is such a row, else at the nearest size.

timm and its results are published under the Apache License 2.0, copyright Ross Wightman.
"""


def _rows(folder: Path, pattern: str) -> Iterator[dict[str, str]]:
    for file in sorted(folder.glob(pattern)):
        with file.open(newline="") as stream:
            yield from csv.DictReader(stream)


def _published_macs(folder: Path) -> dict[tuple[str, int], int]:
    return {
        (row["model"], int(row["infer_img_size"])): round(float(row["infer_gmacs"]) * 1e9)
        for row in _rows(folder, "benchmark-infer-*.csv")
        if row["infer_gmacs"]
    }


def _published_top1(folder: Path) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for row in _rows(folder, "results-imagenet.csv"):
        found.setdefault(row["model"], {})[int(row["img_size"])] = row["top1"]
    return found


def _count(entry: IndexEntry) -> tuple[Any, int, int]:
    """A network without numbers, its parameters and the width of its features."""
    with torch.device("meta"):
        network: Any = timm.create_model(entry.name, pretrained=False).eval()
    n_params = sum(parameter.numel() for parameter in network.parameters())
    width = getattr(network, "head_hidden_size", None) or network.num_features
    return network, n_params, width


def _describe(
    entry: IndexEntry,
    macs: dict[tuple[str, int], int],
    counted: dict[tuple[str, int], int],
    top1: dict[str, dict[int, str]],
) -> dict[str, object]:
    network, n_params, width = _count(entry)
    size = entry.preprocessing.input_size[1]
    place = entry.architecture, size
    if place not in macs and place not in counted:
        layers = find_layers(network, entry.preprocessing.input_size).layers
        counted[place] = next(i.macs for i in reversed(layers) if i.name in ("head", "pre_logits"))
        width = next(i.widths["auto"] for i in layers if i.name == "pre_logits")
    measured = top1.get(entry.name, {})
    nearest = min(measured, key=lambda other: (abs(other - size), other), default=None)
    return {
        "name": entry.name,
        "n_params": n_params,
        "macs": macs.get(place, counted.get(place)),
        "n_features": width,
        "top1": measured.get(nearest, "") if nearest else "",
        "top1_size": nearest or "",
    }


def main() -> None:
    """Write the table and what is to be known of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="a folder with timm's results")
    parser.add_argument("--date", required=True, help="of these results")
    given = parser.parse_args()
    macs, top1 = _published_macs(given.results), _published_top1(given.results)
    counted: dict[tuple[str, int], int] = {}
    index = TimmIndex(None)
    rows, n_counted = [], 0
    for name in sorted(index.pretrained_names()):
        entry = index.entry(name)
        try:
            rows.append(_describe(entry, macs, counted, top1))
        except Exception as error:  # whatever a network's own code raises
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        n_counted += (entry.architecture, entry.preprocessing.input_size[1]) not in macs
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    about = ABOUT.format(version=timm.__version__, date=given.date, n_counted=n_counted)
    TABLE.with_suffix(".md").write_text(about)
    print(
        f"{len(rows)} models, {n_counted} with counted multiply-adds, {TABLE.stat().st_size} bytes"
    )


if __name__ == "__main__":
    main()
