"""Results into files: the suffix picks the format."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from featrank.errors import IncompleteError, InputError, PluginError
from featrank.render._format import FORMATS, Format
from featrank.reporting import Reporter
from featrank.storage.atomic import write_bytes
from featrank.storage.named_files import refuse_special
from featrank.storage.refusals import way_out

if TYPE_CHECKING:
    # It imports NumPy, which --help does without.
    from featrank.results.structs import Document


def check_outputs(paths: Sequence[Path]) -> None:
    """Refuse what cannot be written before any work is done.

    Raises:
        InputError: Unknown suffix, no such folder, a folder, or no permission.
    """
    for path in paths:
        _format_of(path)
        try:
            if path.is_dir():
                raise InputError(
                    f"-o {path}: is a folder", f"name a file in it: {path / 'result.json'}"
                )
            if not path.parent.is_dir():
                raise InputError(f"-o {path}: no such folder", f"mkdir -p {path.parent}")
            refuse_special(path)
            if path.exists() and not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except OSError as error:
            raise InputError(
                f"-o {path}: cannot be written ({error.strerror or error})", way_out(error)
            ) from error


def write_outputs(paths: Sequence[Path], document: Document) -> None:
    """Write the document to each path.

    Raises:
        IncompleteError: A path could not be written after all; the others were.
    """
    failures: list[tuple[Path, OSError | PluginError]] = []
    for path in paths:
        try:
            write_bytes(path, _format_of(path).render(document))
        except (OSError, PluginError) as error:
            failures.append((path, error))
    if failures:
        path, reason = failures[0]
        if isinstance(reason, PluginError):
            raise IncompleteError(f"cannot write {path}: {reason.message}", reason.hint)
        raise IncompleteError(
            f"cannot write {path}: {reason.strerror or reason}",
            f"{way_out(reason)}, and run again: what is computed is kept",
        ) from reason


def refresh_outputs(paths: Sequence[Path], document: Document, reporter: Reporter) -> None:
    """Write a result that is not complete yet; what cannot be written now may be later."""
    try:
        write_outputs(paths, document)
    except IncompleteError as error:
        reporter.warn(error.message)


def printed_format(name: str | None) -> Format | None:
    """The format for stdout; None for the table.

    Raises:
        InputError: There is none of that name that can be printed.
    """
    if name is None or name == "table":
        return None
    form = FORMATS.get(name)
    if not form.prints:
        raise InputError(f"--format {name} is for files only", f"write one: -o result.{name}")
    return form


def _format_of(path: Path) -> Format:
    by_suffix = {form.suffix: form for form in FORMATS}
    form = by_suffix.get(path.suffix.lower())
    if form is None:
        raise InputError(
            f"-o {path}: unknown format '{path.suffix}'", f"known: {', '.join(by_suffix)}"
        )
    return form
