"""What is known of a network's layers, and what a layer specification means; no torch here."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from featrank.config import LAST
from featrank.errors import InputError
from featrank.records import LayerRef
from featrank.registry import close_matches, is_wildcard

PRE_LOGITS = "pre_logits"
HEAD = "head"
HEAD_LAYER = LayerRef(HEAD, "softmax")
ALL, STAGES = "all", "stages"


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
        activations: Values an image that convolutions and matrix products give, up to there: a
            measure of the memory that a pass goes through (Radosavovic et al., CVPR 2020).
        params_share: ``n_params`` as a share of the whole network.
        macs_share: ``macs`` as a share of the whole network.
        activations_share: ``activations`` as a share of the whole network.
    """

    name: str
    aliases: tuple[str, ...]
    shape: tuple[int, ...]
    widths: Mapping[str, int]
    refusals: Mapping[str, str]
    stride: int | None
    n_params: int
    macs: int
    activations: int
    params_share: float
    macs_share: float
    activations_share: float

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


def needs_listing(spec: str) -> bool:
    """Whether a specification can only be understood with the layers of the network at hand."""
    return any(piece not in (LAST, PRE_LOGITS) for piece in _pieces(spec))


def choose_layers(spec: str, pooling: str, layers: Sequence[LayerInfo]) -> list[LayerInfo]:
    """The layers that a specification means, in depth order.

    Args:
        spec: Pieces between commas: ``last``; ``all``; ``stages``, the deepest layer of each
            stride and the last; ``N``, the last N; ``-N``, the N-th from the end; names; wildcards.
        pooling: Layers that cannot be pooled so are left out of what is not a name.
        layers: The network's, in depth order.

    Raises:
        InputError: A piece means nothing here, or a named layer cannot be pooled so.
    """
    known = [info for info in layers if info.name != HEAD]
    chosen: set[str] = set()
    for piece in _pieces(spec):
        chosen |= {info.name for info in _choose(piece, pooling, known)}
    if not chosen:
        raise InputError("--layers names none", "try --layers all")
    return [info for info in known if info.name in chosen]


def _pieces(spec: str) -> list[str]:
    return [piece.strip() for piece in spec.split(",") if piece.strip()]


def _choose(piece: str, pooling: str, known: Sequence[LayerInfo]) -> list[LayerInfo]:
    if piece == LAST:
        piece = PRE_LOGITS
    if piece == ALL:
        found = list(known)
    elif piece == STAGES:
        found = [*{info.stride: info for info in known}.values()]
    elif re.fullmatch(r"[+-]?\d+", piece):
        found = _count(int(piece), known)
    elif is_wildcard(piece):
        found = [info for info in known if fnmatch.fnmatchcase(info.name, piece)]
        if not found:
            raise InputError(f"no layer matches '{piece}'", _close(piece, known))
    else:
        return [_named(piece, pooling, known)]
    fitting = [info for info in found if pooling in info.widths]
    if not fitting:
        reason = found[-1].refusals[pooling]
        raise InputError(f"--layers {piece}: none can be pooled by {pooling}: {reason}")
    return fitting


def _count(number: int, known: Sequence[LayerInfo]) -> list[LayerInfo]:
    if not 1 <= abs(number) <= len(known):
        raise InputError(
            f"--layers {number}: there are {len(known)} layers",
            f"1 to {len(known)} for the last so many, -1 to -{len(known)} for one from the end",
        )
    return [known[number]] if number < 0 else list(known[-number:])


def _named(name: str, pooling: str, known: Sequence[LayerInfo]) -> LayerInfo:
    if name == HEAD:
        raise InputError(
            "layer 'head' holds probabilities of the pre-training classes, not features",
            "metrics that need it read it by themselves",
        )
    for info in known:
        if name == info.name or name in info.aliases:
            if pooling not in info.widths:
                raise InputError(
                    f"layer '{name}' cannot be pooled by {pooling}: {info.refusals[pooling]}",
                    f"it can by {', '.join(info.widths)}",
                )
            return info
    raise InputError(f"no layer '{name}'", _close(name, known))


def _close(name: str, known: Sequence[LayerInfo]) -> str:
    names = [name for info in known for name in (info.name, *info.aliases)]
    nearest = close_matches(name, [LAST, ALL, STAGES, *names], cutoff=0.0)
    return f"did you mean {', '.join(nearest)}? `featrank layers MODEL` lists all {len(known)}"
