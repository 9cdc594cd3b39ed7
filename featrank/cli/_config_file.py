"""``--config FILE.toml``: flags from a file.

Keys are the names of flags. Those at the top are for every command that has such a flag, those in a
table ``[rank]`` or ``[cache.prune]`` for that command, where they come first. A flag beats the
environment (``FEATRANK_`` and the flag's name), which beats the file, which beats the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from featrank.errors import InputError
from featrank.storage.named_files import read_named

PREFIX = "FEATRANK"
# Flags that a file cannot set.
_NEVER = {"config", "help", "version"}
_LONGEST = 1 << 20


def load(context: typer.Context, path: Path | None) -> Path | None:
    """Take the file's settings, and those of the environment, as this command's defaults.

    Raises:
        InputError: No such file, not TOML, an unknown key, or a value that the flag does not take;
            names key, file and line.
    """
    for key, parameter in _parameters(context.command).items():
        if parameter.envvar is None:
            parameter.envvar = f"{PREFIX}_{key.replace('-', '_').upper()}"
    if path is not None and not context.resilient_parsing:
        context.default_map = _File(path).settings(context)
    return path


class _File:
    """A file of settings.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        import tomllib  # late, as the registry: --help does without

        self._path = path
        try:
            self._text = read_named(path, _LONGEST).decode().replace("\r\n", "\n")
            self._document = tomllib.loads(self._text)
        except OSError as error:
            raise InputError(f"--config {path}: {error.strerror}", "name a TOML file") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path} is not TOML: {error}", "mend it there") from error

    def settings(self, context: typer.Context) -> dict[str, Any]:
        """Values by the command's parameters."""
        root = context.find_root().command
        own: Any = context.command
        everyone = {key for command in _commands(root) for key in _parameters(command)}
        settings: dict[str, Any] = {}
        tables: dict[str, Any] = {}
        for name, value in self._document.items():
            key = name.replace("_", "-")
            if isinstance(value, dict):
                tables[name] = value
            elif key not in everyone:
                raise self._unknown((name,), everyone)
            elif key in _parameters(own):
                settings |= self._setting(context, (name,), value)
        return settings | self._from_tables(context, root, tables, ())

    def _from_tables(
        self, context: typer.Context, group: Any, tables: Mapping[str, Any], path: tuple[str, ...]
    ) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for name, table in tables.items():
            here = (*path, name)
            command = group.commands.get(name)
            if command is None or not isinstance(table, dict):
                raise self._unknown(here, group.commands)
            if hasattr(command, "commands"):
                settings |= self._from_tables(context, command, table, here)
                continue
            known = _parameters(command)
            for key, value in table.items():
                if key.replace("_", "-") not in known:
                    raise self._unknown((*here, key), known)
                if command is context.command:
                    settings |= self._setting(context, (*here, key), value)
        return settings

    def _setting(self, context: typer.Context, path: tuple[str, ...], value: Any) -> dict[str, Any]:
        """The parameter's name and its value, checked as the flag would be."""
        parameter = _parameters(context.command)[path[-1].replace("_", "-")]
        is_flag = getattr(parameter, "is_flag", False)
        repeats = getattr(parameter, "multiple", False) or parameter.nargs == -1
        if repeats and not isinstance(value, list):
            value = [value]
        fits = isinstance(value, bool) if is_flag else not isinstance(value, bool | dict)
        if isinstance(value, list):
            fits = (repeats or parameter.nargs == len(value)) and not any(
                isinstance(item, bool | dict | list) for item in value
            )
        try:
            if not fits:
                raise typer.BadParameter("true or false" if is_flag else "a value of another kind")
            parameter.process_value(context, value)
        except typer.BadParameter as error:
            line = self._line(path)
            raise InputError(
                f"{self._path}, line {line}: {path[-1]} = {value!r}: {error.message}",
                f"it takes what --{path[-1]} takes: featrank {context.info_name} --help",
            ) from error
        return {str(parameter.name): value}

    def _unknown(self, path: tuple[str, ...], known: Any) -> InputError:
        from featrank.registry import did_you_mean

        kind = "table" if isinstance(self._at(self._document, path), dict) else "key"
        return InputError(
            f"{self._path}, line {self._line(path)}: unknown {kind} '{'.'.join(path)}'",
            did_you_mean(path[-1].replace("_", "-"), known, f"known: {', '.join(sorted(known))}"),
        )

    def _line(self, path: tuple[str, ...]) -> int:
        """Where a key is set: the first line without which the file does not have it."""
        import tomllib

        lines = self._text.splitlines(keepends=True)
        start = 0
        for end in range(1, len(lines) + 1):
            try:
                document = tomllib.loads("".join(lines[:end]))
            except tomllib.TOMLDecodeError:
                continue  # inside a value of several lines
            if self._at(document, path) is not None:
                return start + 1
            start = end
        return start

    @staticmethod
    def _at(document: Any, path: tuple[str, ...]) -> Any:
        for key in path:
            document = document.get(key) if isinstance(document, dict) else None
        return document


def _commands(command: Any) -> Iterator[Any]:
    """The command itself, or those of a group at any depth."""
    if hasattr(command, "commands"):
        for below in command.commands.values():
            yield from _commands(below)
    else:
        yield command


def _parameters(command: Any) -> dict[str, Any]:
    """A command's parameters by the longest of their flags; an argument by its name."""
    found = {}
    for parameter in command.params:
        name = max(
            [parameter.name, *parameter.opts], key=lambda flag: (flag[:2] == "--", len(flag))
        )
        name = name.lstrip("-").replace("_", "-").lower()
        if name not in _NEVER:
            found[name] = parameter
    return found
