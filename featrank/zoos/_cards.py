"""One model as the catalogue lists it."""

from __future__ import annotations

import fnmatch
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Card:
    """One model as it is listed; None where nobody says.

    Attributes:
        name: Inside its zoo; the catalogue writes the zoo before it where ``--models`` needs that.
        n_params: Parameters.
        macs: Multiply-adds for one image.
        input_size: Channels, height, width.
        n_features: Width of the features.
        pretrained_on: The data sets that it was trained on, in that order.
        top1: ImageNet-1k top-1 accuracy in percent, as published.
        top1_size: The input size that it was measured at.
        license: Of the weights.
        cached: Whether the weights are on this machine.
    """

    name: str
    n_params: int | None = None
    macs: int | None = None
    input_size: tuple[int, int, int] | None = None
    n_features: int | None = None
    pretrained_on: tuple[str, ...] = ()
    top1: float | None = None
    top1_size: int | None = None
    license: str | None = None
    cached: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, without what nobody says."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def matches(name: str, pattern: str) -> bool:
    """Whether a name is one that a wildcard means; without a dot it is one over architectures."""
    if "." not in pattern:
        name = name.partition(".")[0]
    return like(name, pattern)


def like(text: str, pattern: str) -> bool:
    """Whether a wildcard matches, whatever the case."""
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())
