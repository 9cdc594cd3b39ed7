"""The frozen records that flow from the command line to the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

Status = Literal["ok", "cached", "failed"]
OK: Final = "ok"
CACHED: Final = "cached"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One candidate: as typed, and as resolved.

    Attributes:
        requested: What the user typed (a wildcard's matches carry the match).
        zoo: The zoo that offers it.
        name: The name inside that zoo, with its tag where it has one.
        architecture: The architecture that is built, without a tag; empty where that is not known
            because its description is out of reach.
        note: How the name was resolved, where that is not obvious.
    """

    requested: str
    zoo: str
    name: str
    architecture: str
    note: str = ""

    @property
    def id(self) -> str:
        """The resolved id, ``zoo:name``."""
        return f"{self.zoo}:{self.name}"


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a model's numbers come from.

    Attributes:
        fingerprint: SHA-256 of the weights' content, or of the recipe that makes them.
        path: The file, or None where the weights are drawn from a seed.
        partial: Whether the file may lack more than the head.
        key: Where in the file they stand; empty to look for them.
    """

    fingerprint: str
    path: Path | None = None
    partial: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an image becomes a model's input: timm's data configuration."""

    input_size: tuple[int, int, int]
    crop_pct: float
    crop_mode: str
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Preprocessing:
        """From timm's ``resolve_model_data_config`` or its JSON."""
        return cls(
            input_size=tuple(config["input_size"]),
            crop_pct=float(config["crop_pct"]),
            crop_mode=str(config["crop_mode"]),
            interpolation=str(config["interpolation"]),
            mean=tuple(float(value) for value in config["mean"]),
            std=tuple(float(value) for value in config["std"]),
        )

    def to_config(self) -> dict[str, Any]:
        """As JSON, and as the keywords of ``timm.data.create_transform``."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class LayerRef:
    """A named point of a network, and how a map there becomes a vector."""

    name: str = "pre_logits"
    pooling: str = "auto"


@dataclass(frozen=True, slots=True)
class Skipped:
    """An image that could not be used.

    Attributes:
        path: Its path inside the target.
        reason: Why.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Offered:
    """How much there was before a subset was chosen.

    Attributes:
        n_images: Images.
        n_classes: Classes.
    """

    n_images: int
    n_classes: int


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """The target as it was scored: what the header of every result says.

    Attributes:
        name: As the user named it.
        fingerprint: By content.
        split: The split in use; None where the target has none.
        class_counts: Images a class.
        skipped: What could not be used.
        offered: What there was before a subset was chosen; None where none was.
        n_duplicates: Images whose content another one before them has.
        warnings: What may surprise about it, one line each.
        n_groups: Groups of images that belong together; 0 where there are none.
    """

    name: str
    fingerprint: str
    split: str | None
    class_counts: Mapping[str, int]
    skipped: tuple[Skipped, ...] = ()
    offered: Offered | None = None
    n_duplicates: int = 0
    warnings: tuple[str, ...] = ()
    n_groups: int = 0

    @property
    def n_images(self) -> int:
        return sum(self.class_counts.values())

    @property
    def n_classes(self) -> int:
        return len(self.class_counts)


@dataclass(frozen=True, slots=True)
class Features:
    """One layer's features of a target.

    Attributes:
        features: ``(n_samples, n_features)`` float32.
        labels: ``(n_samples,)`` int, indices into ``class_names``.
        class_names: The target's classes.
        source_probs: ``(n_samples, n_source)`` probabilities of the pre-training classes, where
            they came with the features.
        groups: ``(n_samples,)`` int, equal for images that belong together, such as those of a
            patient; None where nothing is known of it.
    """

    features: FloatArray
    labels: IntArray
    class_names: tuple[str, ...]
    source_probs: FloatArray | None = None
    groups: IntArray | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One metric's number for one layer.

    Attributes:
        value: The score.
        tie_break: Decides between equal values, in the metric's own direction.
        details: What a reader must know beside it, such as a clamped fraction.
        interval: Lower and upper end of the value's interval, where the metric gives one.
        remarks: What speaks against taking the value at face value, a short sentence each.
    """

    value: float
    tie_break: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shuffles:
    """How a null is made: that many label permutations, drawn from a seed."""

    count: int
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Null:
    """What a metric says of permuted labels, or the reason there is no such number.

    ``std`` is the sample standard deviation over the permutations; a single one has none.
    """

    mean: float | None = None
    std: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MetricScore:
    """A score in a row: the number with what identifies it, or the reason there is none.

    ``rank`` is among the models' rows, ``layer_rank`` among the layers of one model; ``origin`` is
    the package, with its version, of a metric that is not built in.
    """

    metric: str
    version: int
    params: Mapping[str, Any]
    higher_is_better: bool
    score: Score | None
    reason: str = ""
    rank: int | None = None
    layer_rank: int | None = None
    null: Null | None = None
    origin: str = ""


class RowFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of one layer of one model, in the words of the published result.

    A field here is a key of a row in the JSON document and its schema, and is read back.

    Attributes:
        n_features: Width of the features.
        n_params: Parameters of the network.
        images_per_second: Of the forward pass that made the features.
        device: What that ran on.
        weights: SHA-256 of the weights.
        status: ok where this run extracted the features.
        reason: Why it failed.
        hint: The way out.
        mean_rank: Mean of the ranks over the metrics that vote; of the model's best layer only.
        rank: The model's place, from 1; of its best layer only.
        layer_rank: The layer's place among those of its model.
        layer_index: Its place in depth order, from 0.
        depth: Share of the network's multiply-adds up to it.
        loading: Tensors of a checkpoint that did not fit: missing, unexpected, reshaped.
        weights_notes: How the weights were read from their file, where that is not obvious.
        curve: Accuracy over the number of images a class, of featrank score --curve.
    """

    n_features: int | None = None
    n_params: int | None = None
    images_per_second: float | None = None
    device: str | None = None
    weights: str | None = None
    status: Status
    reason: str = ""
    hint: str = ""
    mean_rank: float | None = None
    rank: int | None = None
    layer_rank: int | None = None
    layer_index: int | None = None
    depth: float | None = None
    loading: Mapping[str, list[str]] | None = None
    weights_notes: list[str] | None = None
    curve: Mapping[str, Any] | None = None


class ScoreRow(RowFacts, frozen=True):
    """One model's layer with all its scores."""

    model: ModelRef
    layer: LayerRef
    scores: Mapping[str, MetricScore] = {}


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ordered rows: one a model, then the models' other layers in depth order, then failures.

    Attributes:
        rows: The rows.
        metrics: The metrics that count.
        by: The metric that orders the models; None for the mean rank.
        layers_by: The metrics that order the layers of a model, which compare across widths.
        no_vote: The metrics that the mean rank leaves out.
    """

    rows: tuple[ScoreRow, ...]
    metrics: tuple[str, ...]
    by: str | None
    layers_by: tuple[str, ...] = ()
    no_vote: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[ScoreRow, ...]:
        return tuple(row for row in self.rows if row.status == FAILED)


@dataclass(frozen=True, slots=True)
class ExtractionReport:
    """What was done to have one model's features in the cache.

    Attributes:
        model: The model.
        status: ok where images were forwarded, cached, or failed.
        forwarded: Images that this run put through the network.
        key: The short hash that names the features.
        n_rows: Images that have features.
        n_features: Their width.
        images_per_second: Of the forward pass that made them.
        reason: Why it failed; empty where it did not.
        hint: The way out.
    """

    model: ModelRef
    status: Status
    forwarded: int = 0
    key: str | None = None
    n_rows: int | None = None
    n_features: int | None = None
    images_per_second: float | None = None
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that a run found out.

    Attributes:
        ranking: The rows in order.
        target: The target as it was scored.
        config: The run's settings, as JSON.
        stamp: What produced it, as JSON.
        candidates: The ids of all models asked for, in that order; those of all shards.
        partial: Whether models without a row are still to come.
        timings: Seconds spent, by what they were spent on.
    """

    ranking: Ranking
    target: TargetInfo
    config: Mapping[str, Any]
    stamp: Mapping[str, Any]
    candidates: tuple[str, ...] = ()
    partial: bool = False
    timings: Mapping[str, float] = field(default_factory=dict)
