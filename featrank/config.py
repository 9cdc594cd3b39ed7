"""The settings of a run: each option declared once, as a field with its flag, help and checks."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from featrank.errors import InputError
from featrank.storage.digest import digest_json

if TYPE_CHECKING:
    from featrank.records import Shuffles

T = TypeVar("T")

CACHE_MODES = ("reuse", "refresh", "only", "off")
# N stands for a GPU's number.
DEVICES = ("auto", "cpu", "cuda", "cuda:N", "mps")
PRECISIONS = ("float32", "bfloat16")
POOLINGS = ("auto", "avg", "cls", "max", "gem", "avg+std")
LAYOUTS = ("auto", "classes", "splits")
LAST = "last"
DEFAULT_METRICS = ("tmi", "gda", "nb")
DEFAULT_BATCH_SIZE = 32

_TARGET, _MODELS, _SCORES, _RUN = "Target", "Models", "Scores", "Running"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a value must be, beside its type.

    Attributes:
        check: Given the flag and the value; raises InputError.
    """

    check: Callable[[str, Any], object]


@dataclass(frozen=True, slots=True)
class Parsed:
    """How what was typed becomes the value.

    Attributes:
        parse: Given what the command line holds.
    """

    parse: Callable[[Any], Any]


def split_list(values: Iterable[str]) -> tuple[str, ...]:
    """Comma-separated and repeated values as one list."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def model_names(values: Iterable[str]) -> tuple[str, ...]:
    """Names of models, with those that ``@FILE`` or ``@-`` lists in its place.

    A list has a name a line; what follows a ``#`` after a space or at the start is a comment.

    Raises:
        InputError: No such list.
    """
    names: list[str] = []
    for value in values:
        if not value.startswith("@"):
            names.append(value)
            continue
        try:
            text = sys.stdin.read() if value == "@-" else Path(value[1:]).expanduser().read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise InputError(
                f"--models {value}: {reason}", "name a file with a name a line"
            ) from error
        lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
        names += filter(None, lines)
    return tuple(names)


def cache_directory(given: Path | None) -> Path:
    """The cache: as given by flag or environment, else the user's cache folder."""
    if given is not None:
        return given.expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("featrank", appauthor=False)


def either(words: Sequence[str]) -> str:
    """Words as a sentence lists them: a, b or c."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def at_least(least: int) -> Callable[[str, int], None]:
    """A check that a number is not below another."""

    def check(flag: str, value: int) -> None:
        if value < least:
            raise InputError(f"{flag} must be at least {least}, got {value}", f"try {flag} {least}")

    return check


def one_of(known: Sequence[str]) -> Callable[[str, str], None]:
    """A check that a word is among those that are known."""

    def check(flag: str, value: str) -> None:
        if value not in known:
            raise InputError(f"{flag} '{value}' is unknown", f"known: {', '.join(known)}")

    return check


def device(flag: str, value: str) -> None:
    """Refuse what is no name of a device; whether it is there is for PyTorch to say, later.

    Raises:
        InputError: It is none.
    """
    if not re.fullmatch("|".join(DEVICES).replace("N", "(0|[1-9][0-9]{0,2})"), value):
        known = ", ".join(DEVICES).replace("cuda:N", "cuda:N (the N-th GPU, from 0)")
        raise InputError(f"{flag} '{value}' is unknown", f"known: {known}")


def share(flag: str, text: str) -> tuple[int, int]:
    """A share's number, from 1, and how many shares there are.

    Raises:
        InputError: It is not one of N.
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    number, of = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= of:
        raise InputError(
            f"{flag} '{text}' is not one of N shares", f"write I/N with I from 1 to N: {flag} 2/8"
        )
    return number, of


Dataset = Annotated[
    str,
    typer.Option(
        help="A folder with one folder a class; a .csv, .tsv or .parquet of paths or images and"
        " labels; IDX files; tar shards ('DIR/{000..009}.tar'); torchvision:NAME?root=DIR; or"
        " 'clipart' or 'digits', which are built in.",
        rich_help_panel=_TARGET,
    ),
]
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
Split = Annotated[
    str | None,
    typer.Option(help="The split; train where there are any.", rich_help_panel=_TARGET),
]
Classes = Annotated[
    tuple[str, ...],
    typer.Option(
        help="Only these classes: names or wildcards, comma-separated or repeated.",
        rich_help_panel=_TARGET,
    ),
]
ExcludeClasses = Annotated[
    tuple[str, ...],
    typer.Option(help="Without these classes.", rich_help_panel=_TARGET),
]
MinPerClass = Annotated[
    int | None,
    typer.Option(help="Without classes of fewer than N images.", rich_help_panel=_TARGET),
    Checked(at_least(1)),
]
LimitPerClass = Annotated[
    int | None,
    typer.Option(help="At most N images a class.", rich_help_panel=_TARGET),
    Checked(at_least(1)),
]
Shots = Annotated[
    int | None,
    typer.Option(help="Exactly N images a class.", rich_help_panel=_TARGET),
    Checked(at_least(1)),
]
MaxImages = Annotated[
    int | None,
    typer.Option(help="At most N images, stratified.", rich_help_panel=_TARGET),
    Checked(at_least(1)),
]
Seed = Annotated[
    int, typer.Option(min=0, help="Of the subset, and of --null.", rich_help_panel=_TARGET)
]
Root = Annotated[
    Path | None,
    typer.Option(
        help="The folder that the paths of a manifest may not leave. [default: the manifest's]",
        rich_help_panel=_TARGET,
    ),
]
Layout = Annotated[
    str,
    typer.Option(
        help="What the folders of a folder are: classes; splits; auto: by their names.",
        rich_help_panel=_TARGET,
    ),
    Checked(one_of(LAYOUTS)),
]
ClassDepth = Annotated[
    int | None,
    typer.Option(
        help="How deep the class folders lie: 2 for one level below the top. [default: 1]",
        rich_help_panel=_TARGET,
    ),
    Checked(at_least(1)),
]
FollowLinks = Annotated[
    bool,
    typer.Option(
        "--follow-links",
        help="Follow links that lead out of the folder.",
        rich_help_panel=_TARGET,
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="An unusable image is an error.", rich_help_panel=_TARGET)
]
AllowSkipped = Annotated[
    bool,
    typer.Option(
        "--allow-skipped",
        help="Go on where more than 5 % of the images are unusable.",
        rich_help_panel=_TARGET,
    ),
]
AllowPartial = Annotated[
    bool,
    typer.Option(
        "--allow-partial",
        help="Load checkpoints that lack more than the head; the rest stays untrained.",
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


def flag_of(name: str, metadata: Sequence[object]) -> str:
    """The flag of a field: as its option says, else after its name."""
    # Within Annotated, Typer takes the first of an option's names for its default.
    declared = [
        flag
        for data in metadata
        for flag in (getattr(data, "default", None), *(getattr(data, "param_decls", None) or ()))
        if isinstance(flag, str) and flag.startswith("-")
    ]
    return str(max(declared, key=len)) if declared else f"--{name.replace('_', '-')}"


def check_options(options: Any) -> None:
    """Check every field of a dataclass, and of those in it, as its declaration says.

    Raises:
        InputError: A value out of its range; the message names the flag.
    """
    hints = get_type_hints(type(options), include_extras=True)
    for each in fields(options):
        metadata = getattr(hints[each.name], "__metadata__", ())
        value = getattr(options, each.name)
        if is_dataclass(value):
            check_options(value)
        elif value is not None:
            for data in metadata:
                if isinstance(data, Checked):
                    data.check(flag_of(each.name, metadata), value)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of a target is used.

    Attributes:
        split: The split; None for train where there are any.
        limit_per_class: At most so many images a class.
        max_images: At most so many images in all, stratified.
        seed: Of the subset.
        classes: Names and wildcards of the classes to keep; none for all.
        exclude_classes: Names and wildcards of classes to leave out.
        min_per_class: Classes with fewer images are left out.
        shots: Exactly so many images a class.
    """

    split: Split = None
    classes: Classes = ()
    exclude_classes: ExcludeClasses = ()
    min_per_class: MinPerClass = None
    limit_per_class: LimitPerClass = None
    shots: Shots = None
    max_images: MaxImages = None
    seed: Seed = 0


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
        root: The folder that the paths of a manifest may not leave; None for the manifest's own.
        layout: What the folders of a folder are: classes, splits, or auto to tell by their names.
        class_depth: How deep the class folders lie; None for the folders at the top.
        follow_links: Whether links that lead out of the folder are followed.
        strict: Whether an unusable image is an error.
        allow_skipped: Whether more unusable images are accepted than a few in a hundred.
        allow_partial: Whether a checkpoint may lack more than the head.
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
    layers: Layers = LAST
    pool: Pool = "auto"
    selection: Selection = field(default_factory=Selection)
    root: Root = None
    layout: Layout = "auto"
    class_depth: ClassDepth = None
    follow_links: FollowLinks = False
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
        paths = {"cache_dir": self.cache_dir, "root": self.root}
        document = asdict(self) | {
            name: str(path) if path else None for name, path in paths.items()
        }
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
