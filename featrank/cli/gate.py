"""``featrank gate``: pass or fail, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from featrank.cli import _options as opt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from featrank.gate.conditions import Conditions
    from featrank.gate.judge import GateResult
    from featrank.records import Result

_DEMANDS, _ALLOWANCES = "Conditions", "Allowances"


def gate(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULT...", help="JSON files of featrank rank -o.")
    ],
    baseline: Annotated[
        Path | None,
        typer.Option(help="The stored result to compare with.", rich_help_panel=_DEMANDS),
    ] = None,
    max_drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC:DROP",
            help="Worse than the baseline by no more, for the best model and for each one:"
            " gda:2% or gda:0.02. Repeats.",
            rich_help_panel=_DEMANDS,
        ),
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=SCORE",
            help="The best model's score is at least this (at most, where lower is better).",
            rich_help_panel=_DEMANDS,
        ),
    ] = None,
    expect_top: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="This model is first.", rich_help_panel=_DEMANDS),
    ] = None,
    within_top: Annotated[
        tuple[int, str] | None,
        typer.Option(
            metavar="N NAME", help="This model is among the first N.", rich_help_panel=_DEMANDS
        ),
    ] = None,
    min_tau: Annotated[
        float | None,
        typer.Option(
            metavar="TAU",
            help="Weighted Kendall tau between this order and the baseline's is at least this.",
            rich_help_panel=_DEMANDS,
        ),
    ] = None,
    candidate: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --beats: this model …", rich_help_panel=_DEMANDS),
    ] = None,
    beats: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="… is better than this one.", rich_help_panel=_DEMANDS),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC", help="… by this metric. [default: ranking]", rich_help_panel=_DEMANDS
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="What is no obstacle: partial, failed, missing-row, missing-baseline,"
            " other-target, other-metrics or other-precision. Repeats, or with commas.",
            rich_help_panel=_ALLOWANCES,
        ),
    ] = None,
    config_file: opt.ConfigFile = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="Print json or md.", rich_help_panel="Output"),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE.xml", help="Also write JUnit XML.", rich_help_panel="Output"),
    ] = None,
    github: opt.GitHub = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> None:
    """Say whether a saved result passes: exit 0, or 1 where it does not; 2 or 3 without a verdict.

    Example: featrank gate result.json --baseline base.json --max-drop gda:2%
    """
    opt.enable_debug(debug)

    from featrank.cli._console import StderrReporter
    from featrank.errors import InputError
    from featrank.gate.conditions import Conditions, parse_fail_under, parse_max_drop
    from featrank.gate.judge import judge
    from featrank.results.join import join_results
    from featrank.results.read import read_result

    if (candidate is None) != (beats is None):
        raise InputError(
            "--candidate and --beats go together", "say --candidate NAME --beats OTHER"
        )
    conditions = Conditions(
        max_drop=parse_max_drop(max_drop or ()),
        fail_under=parse_fail_under(fail_under or ()),
        expect_top=expect_top,
        within_top=within_top,
        min_tau=min_tau,
        beats=(candidate, beats) if candidate is not None and beats is not None else None,
        beats_by=by,
        allow=frozenset(opt.split_list(allow or ())),
    )
    if form not in (None, "table", "json", "md"):
        raise InputError(f"--format {form}: a verdict has no such format", "known: json, md")
    reporter = StderrReporter(quiet=quiet)
    named = {str(path): read_result(path) for path in results}
    stored = _read_baseline(baseline, conditions)
    verdict = judge(join_results(named, None, reporter.warn), stored, conditions)
    _show(verdict, form, junit, to_github=github)
    raise typer.Exit(verdict.exit_code)


def _read_baseline(path: Path | None, conditions: Conditions) -> Result | None:
    from featrank.results.read import read_result

    if path is None or (not path.exists() and "missing-baseline" in conditions.allow):
        return None
    return read_result(path)


def verdict_document(verdict: GateResult) -> dict[str, Any]:
    """The verdict as JSON."""
    from dataclasses import asdict

    return {
        "passed": verdict.exit_code == 0,
        "exit_code": verdict.exit_code,
        "summary": verdict.summary,
        "checks": [
            {key: value for key, value in asdict(check).items() if value}
            for check in verdict.checks
        ],
    }


def _show(
    verdict: GateResult, form: str | None, junit: Path | None, *, to_github: bool | None
) -> None:
    from featrank.cli import _github as github
    from featrank.cli._console import data_console, print_json
    from featrank.cli._lines import put
    from featrank.render.text.verdict import print_verdict, verdict_markdown

    document = verdict_document(verdict)
    if form == "json":
        print_json(document)
    elif form == "md":
        for line in verdict_markdown(document):
            put(line)
    else:
        print_verdict(document, data_console())
    if junit is not None:
        _write_junit(junit, document)
    if github.wanted(to_github):
        github.write_summary(verdict_markdown(document))
        for check in _against(document["checks"]):
            message = f"{check['condition']}: {check['reason']}"
            github.annotate(f"featrank gate: {check['outcome']}", message)


def _against(checks: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    return [check for check in checks if check["outcome"] in ("fail", "no verdict")]


def _write_junit(path: Path, document: dict[str, Any]) -> None:
    from featrank.errors import InputError
    from featrank.render.text.verdict import verdict_junit
    from featrank.storage.atomic import write_bytes
    from featrank.storage.named_files import refuse_special

    try:
        refuse_special(path)
        write_bytes(path, verdict_junit(document))
    except OSError as error:
        raise InputError(f"--junit {path}: {error.strerror}", "choose another place") from error
