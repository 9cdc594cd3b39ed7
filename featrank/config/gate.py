"""What a result must fulfil: the options of ``featrank gate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from featrank.errors import InputError

_DEMANDS, _ALLOWANCES = "Conditions", "Allowances"


@dataclass(frozen=True, slots=True)
class GateConfig:
    """The conditions of a gate, as typed.

    Attributes:
        baseline: The stored result to compare with.
        max_drop: By how much metrics may be worse than in the baseline: ``METRIC:DROP``.
        fail_under: Scores that the best model must reach: ``METRIC=SCORE``.
        expect_top: The model that must be first.
        within_top: A rank, and the model that must not be below it.
        min_tau: The least weighted Kendall tau between the two orders.
        candidate: The model that must be better than the one in ``beats``.
        beats: See there; both are given, or neither.
        by: The metric that decides between the two; None for the ranking.
        allow: What does not keep the gate from passing.

    Raises:
        InputError: A candidate without a model to beat, or the other way round.
    """

    baseline: Annotated[
        Path | None,
        typer.Option(help="The stored result to compare with.", rich_help_panel=_DEMANDS),
    ] = None
    max_drop: Annotated[
        tuple[str, ...],
        typer.Option(
            metavar="METRIC:DROP",
            help="Worse than the baseline by no more, for the best model and for each one:"
            " gda:2% or gda:0.02. Repeats.",
            rich_help_panel=_DEMANDS,
        ),
    ] = ()
    fail_under: Annotated[
        tuple[str, ...],
        typer.Option(
            metavar="METRIC=SCORE",
            help="The best model's score is at least this (at most, where lower is better).",
            rich_help_panel=_DEMANDS,
        ),
    ] = ()
    expect_top: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="This model is first.", rich_help_panel=_DEMANDS),
    ] = None
    within_top: Annotated[
        tuple[int, str] | None,
        typer.Option(
            metavar="N NAME", help="This model is among the first N.", rich_help_panel=_DEMANDS
        ),
    ] = None
    min_tau: Annotated[
        float | None,
        typer.Option(
            metavar="TAU",
            help="Weighted Kendall tau between this order and the baseline's is at least this.",
            rich_help_panel=_DEMANDS,
        ),
    ] = None
    candidate: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --beats: this model …", rich_help_panel=_DEMANDS),
    ] = None
    beats: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="… is better than this one.", rich_help_panel=_DEMANDS),
    ] = None
    by: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC", help="… by this metric. [default: ranking]", rich_help_panel=_DEMANDS
        ),
    ] = None
    allow: Annotated[
        tuple[str, ...],
        typer.Option(
            metavar="KIND",
            help="What is no obstacle: partial, failed, missing-row, missing-baseline,"
            " other-target, other-metrics or other-precision. Repeats, or with commas.",
            rich_help_panel=_ALLOWANCES,
        ),
    ] = ()

    def __post_init__(self) -> None:
        if (self.candidate is None) != (self.beats is None):
            raise InputError(
                "--candidate and --beats go together", "say --candidate NAME --beats OTHER"
            )

    @property
    def pair(self) -> tuple[str, str] | None:
        """The candidate and the model that it must beat."""
        return (self.candidate, self.beats) if self.candidate and self.beats else None
