"""``featrank gate``: pass or fail, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from featrank.cli import _options as opt
from featrank.cli._takes import takes
from featrank.config.gate import GateConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from featrank.gate.conditions import Conditions
    from featrank.gate.judge import GateResult
    from featrank.records import Result


@takes()
def gate(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULT...", help="JSON files of featrank rank -o.")
    ],
    config: GateConfig,
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
    from featrank.cli._console import StderrReporter
    from featrank.errors import InputError
    from featrank.gate.judge import judge
    from featrank.results.join import join_results
    from featrank.results.read import read_result

    conditions = _conditions(config)
    if form not in (None, "table", "json", "md"):
        raise InputError(f"--format {form}: a verdict has no such format", "known: json, md")
    reporter = StderrReporter(quiet=quiet)
    named = {str(path): read_result(path) for path in results}
    stored = _read_baseline(config.baseline, conditions)
    verdict = judge(join_results(named, None, reporter.warn), stored, conditions)
    _show(verdict, form, junit, to_github=github)
    raise typer.Exit(verdict.exit_code)


def _conditions(config: GateConfig) -> Conditions:
    from featrank.gate.conditions import Conditions, parse_fail_under, parse_max_drop

    return Conditions(
        max_drop=parse_max_drop(config.max_drop),
        fail_under=parse_fail_under(config.fail_under),
        expect_top=config.expect_top,
        within_top=config.within_top,
        min_tau=config.min_tau,
        beats=config.pair,
        beats_by=config.by,
        allow=frozenset(config.allow),
    )


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
