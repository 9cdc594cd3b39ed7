"""Results into files: the suffix picks the format."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from featrank.errors import IncompleteError, InputError
from featrank.render import json_file

_WRITERS = {json_file.SUFFIX: json_file.write}


def check_outputs(paths: Sequence[Path]) -> None:
    """Refuse what cannot be written before any work is done.

    Raises:
        InputError: Unknown suffix, no such folder, a folder, or no permission.
    """
    for path in paths:
        if path.suffix.lower() not in _WRITERS:
            raise InputError(
                f"-o {path}: unknown format '{path.suffix}'", f"known: {', '.join(_WRITERS)}"
            )
        if path.is_dir():
            raise InputError(
                f"-o {path}: is a folder", f"name a file in it: {path / 'result.json'}"
            )
        if not path.parent.is_dir():
            raise InputError(f"-o {path}: no such folder", f"mkdir -p {path.parent}")
        if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise InputError(f"-o {path}: no permission to write", "choose another place")


def write_outputs(paths: Sequence[Path], document: Mapping[str, Any]) -> None:
    """Write the document to each path.

    Raises:
        IncompleteError: A path could not be written after all.
    """
    for path in paths:
        try:
            _WRITERS[path.suffix.lower()](path, document)
        except OSError as error:
            raise IncompleteError(f"cannot write {path}: {error.strerror}") from error
