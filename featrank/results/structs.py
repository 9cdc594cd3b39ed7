"""The shape of the one JSON document of a result; the shipped JSON Schema is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

import msgspec

from featrank.records import Offered, RowFacts, Skipped

SCHEMA_VERSION: Final = 1
# A document as JSON has it, which is what the renderers take.
Document = dict[str, Any]

T = TypeVar("T")


class TargetDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The labelled images that were scored.

    Attributes:
        name: The target's name.
        fingerprint: SHA-256 over content, classes and subset: equal where the images are.
        n_images: Images that were used.
        n_classes: Classes that have images.
        class_counts: Images of each class.
        split: The split in use; left out where there is none.
        skipped: How many images could not be used.
        offered: What there was before a subset was chosen; left out where none was.
        duplicates: Images whose content another one before them has.
        groups: Groups of images that belong together, none of which is cut by held-out metrics.
        warnings: What may surprise about it, one line each.
    """

    name: str
    fingerprint: str
    n_images: int
    n_classes: int
    class_counts: dict[str, int]
    split: str | None = None
    skipped: int
    offered: Offered | None = None
    duplicates: int = 0
    groups: int = 0
    warnings: list[str] = []


class ScoreDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric's number for one layer, or the reason there is none.

    Attributes:
        value: The score; left out where there is none.
        tie_break: Decides between equal values, in the metric's own direction.
        rank: Among the models, from 1; ties share one.
        layer_rank: Among the layers of the same model.
        version: Of the metric: the same version gives the same number.
        params: The metric's parameters.
        higher_is_better: The direction.
        low: Lower end of the interval of the value.
        high: Upper end.
        details: What a reader must know beside the number.
        remarks: What speaks against taking the value at face value, a short sentence each.
        reason: Why there is no value.
        null_mean: Mean of the same metric over permuted labels.
        null_std: Its standard deviation.
        null_reason: Why there is no null.
        origin: Package and version of a metric that is not built in.
    """

    value: float | None = None
    tie_break: float | None = None
    rank: int | None = None
    layer_rank: int | None = None
    version: int
    params: dict[str, Any]
    higher_is_better: bool
    low: float | None = None
    high: float | None = None
    details: dict[str, Any] = {}
    remarks: list[str] = []
    reason: str = ""
    null_mean: float | None = None
    null_std: float | None = None
    null_reason: str = ""
    origin: str = ""


class RowDocument(RowFacts, frozen=True, kw_only=True, omit_defaults=True):
    """One layer of one model.

    Attributes:
        model: The resolved id.
        requested: The name as typed.
        zoo: Where the model comes from.
        architecture: The network that is built.
        layer: The layer.
        pooling: How a map became a vector.
        note: How the name was resolved.
        scores: By metric.
    """

    model: str
    requested: str
    zoo: str
    architecture: str
    layer: str
    pooling: str
    note: str = ""
    scores: dict[str, ScoreDocument] | None = None


class ResultDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run of featrank found out.

    Attributes:
        schema_version: Of this shape.
        partial: Whether models are still to come: the run goes on, or was ended early.
        config: What was asked for; ``metrics`` are the columns, ``by`` the one that orders,
            ``no_vote`` those that the mean rank leaves out.
        stamp: What produced it: versions, source, device, precision, seeds, hashes.
        target: The labelled images.
        candidates: The ids of all models asked for, of all shards; those without a row are to come.
        rows: The models in order, then their other layers in depth order, then what failed.
        skipped: Images that could not be used.
        timings: Seconds by what they were spent on.
        checksum: SHA-256 of all else as JSON with sorted keys and no blanks; a reader warns where
            it does not fit.
    """

    schema_version: Literal[1]
    partial: bool
    config: dict[str, Any]
    stamp: dict[str, Any]
    target: TargetDocument
    candidates: list[str]
    rows: list[RowDocument]
    skipped: list[Skipped]
    timings: dict[str, float] | None = None
    checksum: str = ""


def in_order(row: Mapping[str, T]) -> dict[str, T]:
    """A row's entries in the published order: who it is, how it was made, scores, places."""
    facts, own = list(RowFacts.__struct_fields__), ["note", "scores"]
    who = [key for key in RowDocument.__struct_fields__ if key not in (*facts, *own)]
    cut = facts.index("mean_rank")
    return {key: row[key] for key in (*who, *facts[:cut], *own, *facts[cut:]) if key in row}
