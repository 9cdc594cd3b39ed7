"""Where a result goes: stdout, files, and what CI shows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from featrank.cli import _github as github
from featrank.cli._console import data_console
from featrank.records import Result
from featrank.render import check_outputs, printed_format, refresh_outputs, write_outputs
from featrank.render.markdown_file import summary_lines
from featrank.render.text.table import print_table
from featrank.reporting import Reporter
from featrank.results.document import result_document


class WaysOut:
    """The ways out that the user asked for, checked at once.

    Args:
        outputs: Files to write.
        form: What to print rather than the table.
        reporter: Told what could not be written yet.
        per_layer: Whether the table has every layer.
        to_github: Whether to write a step summary; None to look whether this is an action.

    Raises:
        InputError: A file cannot be written, or there is no such format.
    """

    def __init__(
        self,
        outputs: Sequence[Path] | None,
        form: str | None,
        reporter: Reporter,
        *,
        per_layer: bool = False,
        to_github: bool | None = None,
    ) -> None:
        self._outputs = outputs or ()
        self._format = printed_format(form)
        self._reporter = reporter
        self._per_layer = per_layer
        self._to_github = github.wanted(to_github)
        check_outputs(self._outputs)

    def refresh(self, result: Result) -> None:
        """Write the files of a run that goes on."""
        if self._outputs:
            refresh_outputs(self._outputs, result_document(result), self._reporter)

    def show(self, result: Result) -> None:
        """Write the files, then print: a reader of stdout may leave before the end.

        Raises:
            IncompleteError: A file could not be written.
        """
        document = result_document(result)
        try:
            write_outputs(self._outputs, document)
        finally:
            if self._format is None:
                print_table(document, data_console(), per_layer=self._per_layer)
            else:
                sys.stdout.flush()
                sys.stdout.buffer.write(self._format.render(document))
                sys.stdout.buffer.flush()
        if self._to_github:
            github.write_summary(summary_lines(document))
            for row in result.ranking.failed:
                title = f"featrank: {row.model.requested} failed"
                github.annotate(title, f"{row.reason} {row.hint}")
