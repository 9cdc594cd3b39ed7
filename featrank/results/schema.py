"""The one JSON document of a result, as types; the shipped JSON Schema is generated from them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

# typing's own would not do for the generator before Python 3.12.
from typing_extensions import TypedDict

SCHEMA_VERSION = 1


class SkippedDocument(TypedDict):
    """An image that could not be used.

    Attributes:
        path: Its path inside the target.
        reason: Why.
    """

    path: str
    reason: str


class OfferedDocument(TypedDict):
    """How much there was before a subset was chosen.

    Attributes:
        n_images: Images.
        n_classes: Classes.
    """

    n_images: int
    n_classes: int


class TargetDocument(TypedDict):
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
    split: NotRequired[str]
    skipped: int
    offered: NotRequired[OfferedDocument]
    duplicates: NotRequired[int]
    groups: NotRequired[int]
    warnings: NotRequired[list[str]]


class ScoreDocument(TypedDict):
    """One metric's number for one layer, or the reason there is none.

    Attributes:
        value: The score; left out where there is none.
        tie_break: Decides between equal values, in the metric's own direction.
        rank: Among the models, from 1; ties share one.
        layer_rank: Among the layers of the same model.
        version: Of the metric: the same version gives the same number.
        params: The metric's parameters.
        higher_is_better: The direction.
        null_mean: Mean of the same metric over permuted labels.
        null_std: Its standard deviation.
        null_reason: Why there is no null.
        low: Lower end of the interval of the value.
        high: Upper end.
        details: What a reader must know beside the number.
        remarks: What speaks against taking the value at face value, a short sentence each.
        reason: Why there is no value.
        origin: Package and version of a metric that is not built in.
    """

    value: NotRequired[float]
    tie_break: NotRequired[float]
    rank: NotRequired[int]
    layer_rank: NotRequired[int]
    version: int
    params: dict[str, Any]
    higher_is_better: bool
    null_mean: NotRequired[float]
    null_std: NotRequired[float]
    null_reason: NotRequired[str]
    low: NotRequired[float]
    high: NotRequired[float]
    details: NotRequired[dict[str, Any]]
    remarks: NotRequired[list[str]]
    reason: NotRequired[str]
    origin: NotRequired[str]


class RowDocument(TypedDict):
    """One layer of one model.

    Attributes:
        model: The resolved id.
        requested: The name as typed.
        zoo: Where the model comes from.
        architecture: The network that is built.
        layer: The layer.
        pooling: How a map became a vector.
        n_features: Width of the features.
        n_params: Parameters of the network.
        images_per_second: Of the forward pass that made the features.
        device: What that ran on.
        weights: SHA-256 of the weights.
        status: ok where this run extracted the features.
        reason: Why it failed.
        hint: The way out.
        note: How the name was resolved.
        scores: By metric.
        mean_rank: Mean of the ranks over the metrics that vote; of the model's best layer only.
        rank: The model's place, from 1; of its best layer only.
        layer_rank: The layer's place among those of its model.
        layer_index: Its place in depth order, from 0.
        depth: Share of the network's multiply-adds up to it.
        curve: Accuracy over the number of images a class, of featrank score --curve.
        loading: Tensors of a checkpoint that did not fit: missing, unexpected, reshaped.
    """

    model: str
    requested: str
    zoo: str
    architecture: str
    layer: str
    pooling: str
    n_features: NotRequired[int]
    n_params: NotRequired[int]
    images_per_second: NotRequired[float]
    device: NotRequired[str]
    weights: NotRequired[str]
    status: Literal["ok", "cached", "failed"]
    reason: NotRequired[str]
    hint: NotRequired[str]
    note: NotRequired[str]
    scores: NotRequired[dict[str, ScoreDocument]]
    mean_rank: NotRequired[float]
    rank: NotRequired[int]
    layer_rank: NotRequired[int]
    layer_index: NotRequired[int]
    depth: NotRequired[float]
    curve: NotRequired[dict[str, Any]]
    loading: NotRequired[dict[str, list[str]]]


class ResultDocument(TypedDict):
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
    skipped: list[SkippedDocument]
    timings: NotRequired[dict[str, float]]
    checksum: NotRequired[str]
