"""Which models the catalogue lists: the options of ``featrank models``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from featrank.config.amounts import COUNT
from featrank.config.checks import Checked, at_least, check_options, one_of
from featrank.config.parsing import either

# Orders of the list; without one it is that of the zoo.
SORTS = ("name", "params", "macs", "width", "input", "top1")


@dataclass(frozen=True, slots=True)
class CatalogueConfig:
    """Which models are listed, and in which order.

    Attributes:
        exclude: Wildcards of names to leave out.
        max_params: At most so many parameters, as typed.
        min_top1: At least this published top-1 accuracy, in percent.
        license: A licence or a wildcard.
        pretrained_on: A data set or a wildcard, as tags name them.
        cached: Only models whose weights are on this machine.
        sort: One of :data:`SORTS`; None for the order of the zoo.
        limit: Only the first so many; None for all.

    Raises:
        InputError: A value out of its range; the message names the flag.
    """

    exclude: Annotated[
        tuple[str, ...], typer.Option(help="Wildcards to leave out; repeatable.")
    ] = ()
    max_params: Annotated[
        str | None, typer.Option(help="At most so many, as in 30M."), Checked(COUNT.parse)
    ] = None
    min_top1: Annotated[
        float | None, typer.Option(help="At least this published ImageNet top-1, in percent.")
    ] = None
    license: Annotated[
        str | None, typer.Option(help="A licence or a wildcard: apache-2.0, 'cc-by-nc*'.")
    ] = None
    pretrained_on: Annotated[
        str | None, typer.Option(help="Data that the tag names: in21k, 'laion*'.")
    ] = None
    cached: Annotated[
        bool, typer.Option("--cached", help="Only those whose weights are on this machine.")
    ] = False
    sort: Annotated[
        str | None,
        typer.Option(help=f"{either(SORTS)}."),
        Checked(one_of(SORTS)),
    ] = None
    limit: Annotated[
        int | None, typer.Option(help="Only the first N.", min=1), Checked(at_least(1))
    ] = None

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def most_params(self) -> float | None:
        """The bound on parameters, as a number."""
        return None if self.max_params is None else COUNT.parse("--max-params", self.max_params)
