"""torchvision's registry of classifiers as a JSON file, so that names cost no torch import."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from featrank.records import Preprocessing
from featrank.storage.kept_index import kept_or_made

# Raised when the file's shape changes.
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class TorchvisionEntry:
    """One architecture with one set of weights.

    Attributes:
        builder: torchvision's function: ``resnet50``.
        enum: Its weights' class: ``ResNet50_Weights``.
        weights: Their name in it: ``IMAGENET1K_V2``.
        url: Where they are.
        preprocessing: torchvision's own, in timm's terms.
        n_params: Parameters.
        macs: Multiply-adds, where torchvision publishes them.
        top1: ImageNet-1k top-1 accuracy in percent, where torchvision publishes it.
    """

    builder: str
    enum: str
    weights: str
    url: str
    preprocessing: Preprocessing
    n_params: int
    macs: int | None
    top1: float | None

    @property
    def name(self) -> str:
        """``builder.weights``."""
        return f"{self.builder}.{self.weights}"


class TorchvisionIndex:
    """Every classifier that the installed torchvision has weights for.

    Args:
        directory: Where the index is kept; None keeps it in memory.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    @cached_property
    def entries(self) -> dict[str, TorchvisionEntry]:
        """By ``builder.weights``; the default weights of a builder come first."""
        installed = version("torchvision")
        key = {"format": _FORMAT, "torchvision": installed}
        file, shape = f"torchvision-{installed}.json", tuple[TorchvisionEntry, ...]
        entries = kept_or_made(self._directory, file, key, shape, _build)
        return {entry.name: entry for entry in entries}

    @cached_property
    def builders(self) -> list[str]:
        """The architectures, sorted."""
        return sorted({entry.builder for entry in self.entries.values()})

    def of(self, builder: str) -> list[TorchvisionEntry]:
        """An architecture's weights, the default first; [] for none."""
        return [entry for entry in self.entries.values() if entry.builder == builder]


def _build() -> tuple[TorchvisionEntry, ...]:
    """The index, from the installed torchvision."""
    from torchvision import models

    return tuple(
        _describe(builder, weights)
        for builder in models.list_models(module=models)
        for weights in _default_first(models.get_model_weights(builder))
    )


def _default_first(enum: Any) -> list[Any]:
    return sorted(enum, key=lambda weights: weights is not enum.DEFAULT)


def _describe(builder: str, weights: Any) -> TorchvisionEntry:
    given = weights.transforms.keywords
    meta = weights.meta
    crop, resize = given["crop_size"], given.get("resize_size", 256)
    preprocessing = Preprocessing(
        input_size=(3, crop, crop),
        # timm rounds crop / crop_pct down: half a pixel more keeps it at torchvision's size.
        crop_pct=crop / (resize + 0.5),
        crop_mode="center",
        interpolation=getattr(given.get("interpolation"), "value", "bilinear"),
        mean=tuple(given.get("mean", (0.485, 0.456, 0.406))),
        std=tuple(given.get("std", (0.229, 0.224, 0.225))),
    )
    # Published as NaN for weights without a trained head.
    top1 = meta.get("_metrics", {}).get("ImageNet-1K", {}).get("acc@1", math.nan)
    billions = meta.get("_ops")
    return TorchvisionEntry(
        builder=builder,
        enum=type(weights).__name__,
        weights=weights.name,
        url=weights.url,
        preprocessing=preprocessing,
        n_params=meta["num_params"],
        macs=round(billions * 1e9) if billions else None,
        top1=top1 if math.isfinite(top1) else None,
    )
