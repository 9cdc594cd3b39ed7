"""A folder that the datasets library saved: ``save_to_disk`` of a Dataset or a DatasetDict.

``dataset_dict.json`` names the splits, folders below; ``state.json`` names the ``.arrow`` files of
one, beside ``dataset_info.json``; sets saved one by one into folders named as splits are splits
too. Columns are found as in Parquet. One ``.arrow`` file is read too.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.storage.contained import ClaimError, plain_name
from featrank.storage.named_files import open_regular
from featrank.targets._file_names import printable
from featrank.targets._file_patterns import expand_files
from featrank.targets._reach import refuse_unreachable
from featrank.targets._split_folders import holders
from featrank.targets._splits import choose_split, split_meaning
from featrank.targets._target import Access, Target
from featrank.targets.parquet import open_tables

_DICT, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"
_ANEW = "save it anew with save_to_disk, or as .parquet with to_parquet"
_MAX_BYTES = 1 << 26


@dataclass(frozen=True)
class SavedDataset:
    """``--dataset DIR`` with Arrow files in it, or one ``.arrow`` file."""

    name: str = "saved_dataset"
    reads: str = "a folder of .arrow files of Hugging Face's save_to_disk"
    takes_columns: bool = True

    def accepts(self, spec: str) -> bool:
        """By file names."""
        path = Path(spec).expanduser()
        try:
            if path.is_dir():
                return (path / _DICT).is_file() or bool(_saved(path))
        except OSError:
            return False
        return path.suffix.lower() == ".arrow"

    def open(self, spec: str, access: Access) -> Target:
        """Hash the images of one split.

        Raises:
            InputError: What is there is no such folder, a file is missing or damaged, or there is
                no label or no image.
        """
        shown = printable(spec)
        path = Path(spec).expanduser()
        if not path.is_dir():
            return open_tables(shown, expand_files(spec), access)
        splits: tuple[str, ...] = ()
        split = None
        if (path / _DICT).is_file():
            splits = tuple(sorted(_names(_read_json(path / _DICT).get("splits"), path / _DICT)))
            split = choose_split(shown, splits, access.split)
            if split is None:
                raise InputError(f"'{printable(str(path / _DICT))}' names no split", _ANEW)
            path /= split
            access = dataclasses.replace(access, split=None)
        elif "." not in (found := _saved(path)):
            splits = tuple(found)
            split = choose_split(shown, splits, access.split) or found[0]
            path /= split
            access = dataclasses.replace(access, split=None)
        state = _read_json(path / _STATE)
        own = state.get("_split")
        if split is None and access.split and isinstance(own, str) and _same(own, access.split):
            split, access = printable(own), dataclasses.replace(access, split=None)
        files = _files(path, state)
        target = open_tables(shown, files, access)
        beside = sorted(set(path.glob("*.arrow")) - set(files))
        if beside:
            count = f"{len(beside)} .arrow file{'s' * (len(beside) > 1)}"
            warning = f"{count} not named in {_STATE} left out, first '{printable(beside[0].name)}'"
            target = dataclasses.replace(target, warnings=(*target.warnings, warning))
        if split is None:
            return target
        return dataclasses.replace(target, split=split, splits=splits)


def _saved(folder: Path) -> list[str]:
    """Where single sets are saved: in splits below, or ``.`` for the folder itself."""
    told = holders(folder, _INFO)
    return [name for name in holders(folder, _STATE) if name in told]


def _same(name: str, asked: str) -> bool:
    meaning = split_meaning(asked)
    return name == asked or (bool(meaning) and split_meaning(name) == meaning)


def _read_json(file: Path) -> dict[str, Any]:
    """A small document.

    Raises:
        InputError: It is none.
    """
    shown = printable(str(file))
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise InputError(f"'{shown}' has more than {_MAX_BYTES:,} bytes", _ANEW)
        with open_regular(file) as stream:
            document = json.loads(stream.read())
    except OSError as error:
        refuse_unreachable(shown, error)
        raise InputError(f"cannot read '{shown}': {error.strerror}", _ANEW) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{shown}' is no JSON: {error}", _ANEW) from error
    if not isinstance(document, dict):
        raise InputError(f"'{shown}' holds no names", _ANEW)
    return document


def _names(names: object, file: Path) -> list[str]:
    """Names in the file's own folder.

    Raises:
        InputError: One leads elsewhere, or they are none.
    """
    if not isinstance(names, list):
        raise InputError(f"'{printable(str(file))}' holds no list of names", _ANEW)
    try:
        return [plain_name(name) for name in names]
    except ClaimError as error:
        raise InputError(f"'{printable(str(file))}': {printable(str(error))}", _ANEW) from error


def _files(folder: Path, state: dict[str, Any]) -> list[Path]:
    """The tables that a folder's state names.

    Raises:
        InputError: It names none, or one that is not there, or picks rows by a list of indices.
    """
    shown = printable(str(folder))
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise InputError(
            f"'{shown}' is a selection of rows of another set, in a file of indices",
            "flatten it first (flatten_indices), and save it anew",
        )
    listed = state.get("_data_files")
    entries = listed if isinstance(listed, list) else []
    given = [item.get("filename") if isinstance(item, dict) else None for item in entries]
    names = _names(given, folder / _STATE)
    if not names:
        raise InputError(f"'{shown}' names no .arrow file in {_STATE}", _ANEW)
    for name in names:
        if not (folder / name).is_file():
            raise InputError(f"'{shown}' lacks the file '{name}' that {_STATE} names", _ANEW)
    return [folder / name for name in names]


TARGET = SavedDataset()
