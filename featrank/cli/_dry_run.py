"""``--dry-run``: what a run would do."""

from __future__ import annotations

from featrank.cli._console import data_console, print_json
from featrank.config import RunConfig
from featrank.errors import InputError
from featrank.render.text.planned import print_planned
from featrank.reporting import Reporter
from featrank.run.dry_run import plan_run


def show_plan(config: RunConfig, reporter: Reporter, form: str | None = None) -> None:
    """Print what a run would do, as a table or as JSON.

    Raises:
        InputError: Asked wrongly, as the run would be.
    """
    if form not in (None, "table", "json"):
        raise InputError(f"--dry-run --format {form}: no such plan", "leave --format out, or json")
    models = [model.document for model in plan_run(config, reporter)]
    if form == "json":
        print_json(models)
    else:
        print_planned(models, data_console())
