"""The options that commands share, and how their values are read."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from featrank.cli import _config_file as config_file
from featrank.errors import InputError

if TYPE_CHECKING:
    from featrank.records import Selection

_TARGET, _MODELS, _SCORES, _RUN, _OUTPUT = "Target", "Models", "Scores", "Running", "Output"

Dataset = Annotated[
    str,
    typer.Option(
        help="A folder with one folder a class; a .csv, .tsv or .parquet of paths or images and"
        " labels; IDX files; tar shards ('DIR/{000..009}.tar'); torchvision:NAME?root=DIR; or"
        " 'clipart' or 'digits', which are built in.",
        rich_help_panel=_TARGET,
    ),
]
Split = Annotated[
    str | None,
    typer.Option(help="The split; train where there are any.", rich_help_panel=_TARGET),
]
Root = Annotated[
    Path | None,
    typer.Option(
        help="The folder that the paths of a manifest may not leave. [default: the manifest's]",
        rich_help_panel=_TARGET,
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        help="Only these classes: names or wildcards, comma-separated or repeated.",
        rich_help_panel=_TARGET,
    ),
]
ExcludeClasses = Annotated[
    list[str] | None,
    typer.Option(help="Without these classes.", rich_help_panel=_TARGET),
]
MinPerClass = Annotated[
    int | None,
    typer.Option(help="Without classes of fewer than N images.", rich_help_panel=_TARGET),
]
Shots = Annotated[
    int | None, typer.Option(help="Exactly N images a class.", rich_help_panel=_TARGET)
]
LimitPerClass = Annotated[
    int | None, typer.Option(help="At most N images a class.", rich_help_panel=_TARGET)
]
MaxImages = Annotated[
    int | None, typer.Option(help="At most N images, stratified.", rich_help_panel=_TARGET)
]
Seed = Annotated[
    int, typer.Option(min=0, help="Of the subset, and of --null.", rich_help_panel=_TARGET)
]
ScoreSeed = Annotated[
    int, typer.Option("--seed", min=0, help="Of --null and --curve.", rich_help_panel=_SCORES)
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
Models = Annotated[
    list[str],
    typer.Option(
        help="Names, comma-separated or repeated: timm or torchvision names, wildcards,"
        " NAME@CHECKPOINT, hf-hub:ORG/NAME, local-dir:PATH, torchvision:NAME, package:NAME,"
        " random:NAME; @FILE or @- for a list, a name a line.",
        rich_help_panel=_MODELS,
    ),
]
Metrics = Annotated[
    list[str] | None,
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
        help="auto (as the model's own head), avg, cls, max, gem or avg+std.",
        rich_help_panel=_MODELS,
    ),
]
PerLayer = Annotated[
    bool, typer.Option("--per-layer", help="Show every layer's row.", rich_help_panel=_OUTPUT)
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=_RUN)]
Precision = Annotated[str, typer.Option(help="float32 or bfloat16.", rich_help_panel=_RUN)]
BatchSize = Annotated[
    int,
    typer.Option(
        help="Images a forward pass; a CPU takes them in parts, where maps are large.",
        rich_help_panel=_RUN,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(help="Decoding processes. [default: one a processor]", rich_help_panel=_RUN),
]
CacheMode = Annotated[
    str,
    typer.Option(
        "--cache",
        envvar="FEATRANK_CACHE_MODE",  # FEATRANK_CACHE is where it is
        help="reuse; refresh: extract again; only: never load a model; off: keep nothing.",
        rich_help_panel=_RUN,
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        envvar="FEATRANK_CACHE",
        help="Where features and scores are kept. [default: the user's cache folder]",
        rich_help_panel=_RUN,
    ),
]
PartRows = Annotated[
    int | None,
    typer.Option(
        help="Rows of one cache file, which is what a kill can cost. [default: by size]",
        rich_help_panel=_RUN,
    ),
]
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        help="Also write FILE: .json, .csv, .parquet, .md or .html. Repeats.",
        rich_help_panel=_OUTPUT,
    ),
]
PrintFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Print json, csv or md rather than the table.",
        rich_help_panel=_OUTPUT,
    ),
]
GitHub = Annotated[
    bool | None,
    typer.Option(
        "--github/--no-github",
        help="Write the step summary and annotations. [default: where GITHUB_ACTIONS=true]",
        rich_help_panel=_OUTPUT,
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Only every N-th model from the I-th on.", rich_help_panel=_MODELS
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what would be done, do nothing.", rich_help_panel=_RUN),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="FEATRANK_CONFIG",
        metavar="FILE.toml",
        is_eager=True,
        callback=config_file.load,
        help="Flags from a file; see configs/.",
        rich_help_panel=_RUN,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No talk on stderr.", rich_help_panel=_OUTPUT)
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel=_OUTPUT)]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


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


def selection(
    split: str | None,
    classes: Iterable[str] | None,
    exclude_classes: Iterable[str] | None,
    min_per_class: int | None,
    limit_per_class: int | None,
    shots: int | None,
    max_images: int | None,
    seed: int,
) -> Selection:
    """The part of the target that the flags choose."""
    from featrank.records import Selection  # it imports NumPy, which --help does without

    return Selection(
        split=split,
        classes=split_list(classes or ()),
        exclude_classes=split_list(exclude_classes or ()),
        min_per_class=min_per_class,
        limit_per_class=limit_per_class,
        shots=shots,
        max_images=max_images,
        seed=seed,
    )


def parse_size(flag: str, text: str) -> int:
    """Bytes from text such as 20GB.

    Raises:
        InputError: It is not a size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *([KMGT]?I?B?)", text.strip().upper())
    if match is None or match[2] not in _UNITS:
        raise InputError(f"{flag} '{text}' is not a size", f"write it as in {flag} 20GB")
    return int(float(match[1]) * _UNITS[match[2]])


def parse_age(flag: str, text: str) -> float:
    """Seconds from text such as 30d.

    Raises:
        InputError: It is not an age.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *([smhdw])", text.strip().lower())
    if match is None:
        raise InputError(f"{flag} '{text}' is not an age", f"write it as in {flag} 30d")
    return float(match[1]) * _SECONDS[match[2]]


def enable_debug(wanted: bool) -> None:
    """Tracebacks on stderr, where they are wanted."""
    if wanted:
        import logging

        logging.getLogger("featrank").setLevel(logging.DEBUG)
