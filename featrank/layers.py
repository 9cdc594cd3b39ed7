"""What is known of a network's layers, and what a layer specification means; no torch here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PRE_LOGITS = "pre_logits"
HEAD = "head"
POOLINGS = ("auto", "avg", "cls", "max", "gem", "avg+std")


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One layer of an architecture.

    Attributes:
        name: Its absolute name: a module path, ``pre_logits`` or ``head``.
        aliases: Other modules with the same output.
        shape: Of its output, without the batch.
        widths: Features after pooling, for each pooling that it allows.
        refusals: For each other pooling, why not.
        stride: Pixels that one position of its map stands for; None for vectors.
        n_params: Parameters used up to there.
        macs: Multiply-adds an image, up to there.
    """

    name: str
    aliases: tuple[str, ...]
    shape: tuple[int, ...]
    widths: dict[str, int]
    refusals: dict[str, str]
    stride: int | None
    n_params: int
    macs: int

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> LayerInfo:
        """From JSON.

        Raises:
            TypeError: Not a layer's.
            KeyError: The same.
        """
        lists = {key: tuple(document[key]) for key in ("aliases", "shape")}
        return cls(**{**document, **lists})
