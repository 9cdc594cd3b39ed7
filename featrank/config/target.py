"""Which images: the options of a target, and of the part of it that is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from featrank.config.checks import Checked, at_least, one_of, value_range

LAYOUTS = ("auto", "classes", "splits")
SEVERAL_LABELS = ("first", "skip")

_TARGET = "Target"

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
LabelColumn = Annotated[
    str | None,
    typer.Option(
        help="The column, JSON field or kind of member (txt) that tells the class.",
        rich_help_panel=_TARGET,
    ),
]
PathColumn = Annotated[
    str | None,
    typer.Option(help="The column of a table that names the files.", rich_help_panel=_TARGET),
]
SplitColumn = Annotated[
    str | None,
    typer.Option(help="The column that tells the split.", rich_help_panel=_TARGET),
]
GroupColumn = Annotated[
    str | None,
    typer.Option(help="The column of what images belong to: a patient.", rich_help_panel=_TARGET),
]
LabelColumns = Annotated[
    tuple[str, ...],
    typer.Option(
        help="The columns of the classes, where each class has one of 0 and 1.",
        rich_help_panel=_TARGET,
    ),
]
Suffix = Annotated[
    str | None,
    typer.Option(
        metavar=".EXT",
        help="What the files of a table lack at the end of their names.",
        rich_help_panel=_TARGET,
    ),
]
IgnoreLabels = Annotated[
    tuple[str, ...],
    typer.Option(
        "--ignore-label",
        help="Classes that stand for no label, such as 'unknown'.",
        rich_help_panel=_TARGET,
    ),
]
MultiLabel = Annotated[
    str | None,
    typer.Option(
        help="Of several labels an image: the first; skip it. Without this they are refused.",
        rich_help_panel=_TARGET,
    ),
    Checked(one_of(SEVERAL_LABELS)),
]
ValueRange = Annotated[
    str,
    typer.Option(
        metavar="RANGE",
        help="What is black and white in images of more than 8 bits: auto; 8, 10, 12, 14 or 16"
        " bits; or LO:HI.",
        rich_help_panel=_TARGET,
    ),
    Checked(value_range),
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
class Listing:
    """How the images of a target are found.

    Attributes:
        root: The folder that the paths of a manifest may not leave; None for the manifest's own.
        layout: What the folders of a folder are: classes, splits, or auto to tell by their names.
        class_depth: How deep the class folders lie; None for the folders at the top.
        follow_links: Whether links that lead out of the folder are followed.
        label_column: What tells the class; None for the usual names.
        multi_label: Of an image with several labels, whether the first counts or it is left out;
            None to refuse such a set.
        value_range: What is black and white in images of more than 8 bits.
        path_column: The column of a table that names the files; None for the usual names.
        split_column: The column that tells the split; None for the usual names.
        group_column: The column of what images belong to; None for the usual names.
        label_columns: The columns of the classes, where each has one.
        suffix: What the paths of a table lack at their end.
        ignore_labels: Classes that stand for no label.
    """

    root: Root = None
    layout: Layout = "auto"
    class_depth: ClassDepth = None
    follow_links: FollowLinks = False
    label_column: LabelColumn = None
    multi_label: MultiLabel = None
    value_range: ValueRange = "auto"
    path_column: PathColumn = None
    split_column: SplitColumn = None
    group_column: GroupColumn = None
    label_columns: LabelColumns = ()
    suffix: Suffix = None
    ignore_labels: IgnoreLabels = ()
