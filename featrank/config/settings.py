"""The settings of a run: each option declared once, as a field with its flag, help and checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from featrank.config.checks import (
    DEVICES,
    Checked,
    Parsed,
    at_least,
    check_options,
    device,
    one_of,
    share,
)
from featrank.config.parsing import cache_directory, either, model_names
from featrank.config.target import AllowSkipped, Dataset, Listing, Selection, Strict
from featrank.storage.digest import digest_json

if TYPE_CHECKING:
    from featrank.records import Shuffles

T = TypeVar("T")

CACHE_MODES = ("reuse", "refresh", "only", "off")
PRECISIONS = ("float32", "bfloat16")
POOLINGS = ("auto", "avg", "cls", "max", "gem", "avg+std")
LAST = "last"
DEFAULT_METRICS = ("tmi", "gda", "nb")
DEFAULT_BATCH_SIZE = 32

_MODELS, _SCORES, _RUN = "Models", "Scores", "Running"

Models = Annotated[
    tuple[str, ...],
    typer.Option(
        help="Names, comma-separated or repeated: timm or torchvision names, wildcards,"
        " NAME@CHECKPOINT, hf-hub:ORG/NAME, local-dir:PATH, torchvision:NAME, package:NAME,"
        " random:NAME; @FILE or @- for a list, a name a line.",
        rich_help_panel=_MODELS,
    ),
    Parsed(model_names),
]
AllowPartial = Annotated[
    bool,
    typer.Option(
        "--allow-partial",
        help="Load checkpoints that lack more than the head; the rest stays untrained.",
        rich_help_panel=_MODELS,
    ),
]
CheckpointKey = Annotated[
    str | None,
    typer.Option(
        help="Where in a checkpoint the weights stand: 'teacher'. [default: where they fit]",
        rich_help_panel=_MODELS,
    ),
]
AsTrained = Annotated[
    bool,
    typer.Option(
        "--as-trained",
        help="Give a checkpoint the size, mean and so on that it says it was trained with.",
        rich_help_panel=_MODELS,
    ),
]
Metrics = Annotated[
    tuple[str, ...],
    typer.Option(
        help="Names or wildcards, comma-separated or repeated, or all: see featrank metrics."
        " [default: tmi,gda,nb]",
        rich_help_panel=_SCORES,
    ),
]
By = Annotated[
    str | None,
    typer.Option(help="Order by one metric. [default: mean rank]", rich_help_panel=_SCORES),
]
NullCount = Annotated[
    int | None,
    typer.Option(
        "--null",
        metavar="K",
        help="Also score K seeded permutations of the labels: what chance would score.",
        rich_help_panel=_SCORES,
    ),
    Checked(at_least(1)),
]
Layers = Annotated[
    str,
    typer.Option(
        help="last; all; stages; N for the last N; -N for the N-th from the end; names and"
        " wildcards, comma-separated: see featrank layers MODEL.",
        rich_help_panel=_MODELS,
    ),
]
Pool = Annotated[
    str,
    typer.Option(
        help=f"{either(POOLINGS)}.".replace("auto", "auto (as the model's own head)", 1),
        rich_help_panel=_MODELS,
    ),
    Checked(one_of(POOLINGS)),
]
Shard = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Only every N-th model from the I-th on.", rich_help_panel=_MODELS
    ),
    Checked(share),
]
Device = Annotated[
    str, typer.Option(help=f"{either(DEVICES)}.", rich_help_panel=_RUN), Checked(device)
]
Precision = Annotated[
    str,
    typer.Option(help=f"{either(PRECISIONS)}.", rich_help_panel=_RUN),
    Checked(one_of(PRECISIONS)),
]
BatchSize = Annotated[
    int,
    typer.Option(
        help="Images a forward pass; a CPU takes them in parts, where maps are large.",
        rich_help_panel=_RUN,
    ),
    Checked(at_least(1)),
]
Workers = Annotated[
    int | None,
    typer.Option(help="Decoding processes. [default: one a processor]", rich_help_panel=_RUN),
    Checked(at_least(0)),
]
CacheMode = Annotated[
    str,
    typer.Option(
        "--cache",
        envvar="FEATRANK_CACHE_MODE",  # FEATRANK_CACHE is where it is
        help="reuse; refresh: extract again; only: never load a model; off: keep nothing.",
        rich_help_panel=_RUN,
    ),
    Checked(one_of(CACHE_MODES)),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        envvar="FEATRANK_CACHE",
        help="Where features and scores are kept. [default: the user's cache folder]",
        rich_help_panel=_RUN,
    ),
    Parsed(cache_directory),
]
PartRows = Annotated[
    int | None,
    typer.Option(
        "--part-rows",
        help="Rows of one cache file, which is what a kill can cost. [default: by size]",
        rich_help_panel=_RUN,
    ),
    Checked(at_least(1)),
]
Curve = Annotated[
    bool,
    typer.Option(
        "--curve",
        help="Also the accuracy of nb, gda and a linear probe at 1, 2, 5, 10, … shots a class.",
    ),
]
Seeds = Annotated[
    int, typer.Option(help="Splits that --curve averages over."), Checked(at_least(1))
]
ScoreSeed = Annotated[
    int, typer.Option("--seed", min=0, help="Of --null and --curve.", rich_help_panel=_SCORES)
]


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What the user asked for.

    Attributes:
        dataset: The target, as typed.
        models: Names and wildcards, as typed.
        metrics: Names and wildcards of metrics.
        by: The metric to order by; None for the mean rank.
        null: Label permutations that each metric scores as well; None for none.
        layers: Which layers, as typed; see :mod:`featrank.layers.names`.
        pool: How a map becomes a vector.
        selection: Split and subset.
        listing: How the images are found.
        strict: Whether an unusable image is an error.
        allow_skipped: Whether more unusable images are accepted than a few in a hundred.
        allow_partial: Whether a checkpoint may lack more than the head.
        checkpoint_key: Where in a checkpoint the weights stand; None to look for them.
        as_trained: Whether images become the input that a checkpoint says it was trained with.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: float32 or bfloat16.
        batch_size: Images a forward pass.
        workers: Decoding processes; None for one a processor.
        cache: reuse, refresh, only or off.
        cache_dir: Where the cache is.
        rows_per_part: Bound on the rows of one cache file; None to choose by the target's size.
        shard: Which share of the models is ours, as in ``2/8``; None for all of them.

    Raises:
        InputError: A value out of its range; the message names the flag.
    """

    dataset: Dataset
    models: Models
    metrics: Metrics = DEFAULT_METRICS
    by: By = None
    null: NullCount = None
    allow_partial: AllowPartial = False
    checkpoint_key: CheckpointKey = None
    as_trained: AsTrained = False
    layers: Layers = LAST
    pool: Pool = "auto"
    selection: Selection = field(default_factory=Selection)
    listing: Listing = field(default_factory=Listing)
    strict: Strict = False
    allow_skipped: AllowSkipped = False
    device: Device = "auto"
    precision: Precision = "float32"
    batch_size: BatchSize = DEFAULT_BATCH_SIZE
    workers: Workers = None
    cache: CacheMode = "reuse"
    cache_dir: CacheDir = None
    rows_per_part: PartRows = None
    shard: Shard = None

    def __post_init__(self) -> None:
        check_options(self)

    def own_share(self, candidates: Sequence[T]) -> list[T]:
        """Every N-th candidate from the I-th on, where the shard is I/N; all without one."""
        number, of = share("--shard", self.shard) if self.shard else (1, 1)
        return list(candidates[number - 1 :: of])

    def stamp_facts(self, target: str) -> dict[str, Any]:
        """What the stamp says beside versions.

        Args:
            target: The target's fingerprint.
        """
        return {
            "device": self.device,
            "precision": self.precision,
            "seeds": {"subset": self.selection.seed},
            "hashes": {"target": target, "config": digest_json(self.document)},
        }

    @property
    def shuffles(self) -> Shuffles | None:
        """The label permutations, drawn from the run's seed."""
        return _shuffles(self.null, self.selection.seed)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, for the result."""
        document = asdict(self)
        document |= document.pop("listing")
        for name in ("cache_dir", "root"):
            document[name] = str(document[name]) if document[name] else None
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in document.items()
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class ScoreConfig:
    """What is computed of features that are there already.

    Attributes:
        metrics: Names and wildcards of metrics.
        by: The metric to order by; None for the mean rank.
        null: Label permutations that each metric scores as well; None for none.
        curve: Whether a learning curve is drawn.
        seeds: Splits that it averages over.
        seed: Of the permutations and of the splits.
        cache_dir: Where the cache is.

    Raises:
        InputError: A value out of its range; the message names the flag.
    """

    metrics: Metrics = DEFAULT_METRICS
    by: By = None
    null: NullCount = None
    curve: Curve = False
    seeds: Seeds = 5
    seed: ScoreSeed = 0
    cache_dir: CacheDir = None

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def shuffles(self) -> Shuffles | None:
        """The label permutations, drawn from the seed."""
        return _shuffles(self.null, self.seed)


def _shuffles(count: int | None, seed: int) -> Shuffles | None:
    from featrank.records import Shuffles  # it imports NumPy, which --help does without

    return None if count is None else Shuffles(count, seed)
