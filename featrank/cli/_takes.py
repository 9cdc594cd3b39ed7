"""Commands that take a dataclass of options: its fields become their flags."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Collection, Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from featrank.cli._options import enable_debug
from featrank.config import Parsed, split_list

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class _Flag:
    """One field as the command line has it.

    Attributes:
        parameter: What Typer makes a flag of.
        parse: How what was typed becomes the value.
        repeats: Whether it is a list; the field's default stands where nothing was typed.
    """

    parameter: inspect.Parameter
    parse: Callable[[Any], Any]
    repeats: bool


def takes(
    *, leave_out: Collection[str] = (), last_panel: str | None = None
) -> Callable[[Command], Command]:
    """A command whose parameters that are dataclasses of options are built from flags.

    The result has the signature that Typer reads: the fields' flags, then the command's own.

    Args:
        leave_out: Fields that the command has no use for; they keep their defaults.
        last_panel: The panel of flags that ``--help`` shows below all others.
    """

    def decorate(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        own = inspect.signature(command).parameters.values()
        built = {one.name: hints[one.name] for one in own if is_dataclass(hints[one.name])}
        parameters = [
            flag.parameter for options in built.values() for flag in _flags(options, leave_out)
        ]
        parameters += [
            one.replace(annotation=hints[one.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for one in own
            if one.name not in built
        ]
        if last_panel is not None:
            # Panels stand in the order of their first flags.
            parameters.sort(key=lambda one: _panel(one) == last_panel)

        def run(**given: Any) -> None:
            enable_debug(bool(given.get("debug")))
            command(
                **{name: _build(options, given, leave_out) for name, options in built.items()},
                **given,
            )

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate


def _flags(options: Any, leave_out: Collection[str]) -> Iterator[_Flag]:
    """The flags of a dataclass and of those in it, in the order of the fields."""
    hints = get_type_hints(options, include_extras=True)
    for each in fields(options):
        hint = hints[each.name]
        if is_dataclass(hint):
            yield from _flags(hint, leave_out)
        elif each.name not in leave_out:
            yield _flag(each.name, hint, each.default)


def _flag(name: str, hint: Any, default: Any) -> _Flag:
    kind, *metadata = get_args(hint)
    repeats = get_origin(kind) is tuple
    if repeats:
        kind = list[str] if default is MISSING else list[str] | None
    # As Annotated[kind, …] would be written, were the kind known here.
    shown = (data for data in metadata if not isinstance(data, Parsed))
    typed = operator.getitem(Annotated, (kind, *shown))
    parsed = [data.parse for data in metadata if isinstance(data, Parsed)]
    otherwise = split_list if repeats else _as_it_is
    return _Flag(
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if default is MISSING else None if repeats else default,
            annotation=typed,
        ),
        parsed[0] if parsed else otherwise,
        repeats,
    )


def _build(options: Any, given: dict[str, Any], leave_out: Collection[str]) -> Any:
    """The dataclass from what was typed, which is taken out of ``given``."""
    hints = get_type_hints(options, include_extras=True)
    values: dict[str, Any] = {}
    for each in fields(options):
        hint = hints[each.name]
        if is_dataclass(hint):
            values[each.name] = _build(hint, given, leave_out)
        elif each.name not in leave_out:
            flag, value = _flag(each.name, hint, each.default), given.pop(each.name)
            if value or not flag.repeats:
                values[each.name] = flag.parse(value)
    return options(**values)


def _panel(parameter: inspect.Parameter) -> str | None:
    metadata = getattr(parameter.annotation, "__metadata__", ())
    panels = (getattr(data, "rich_help_panel", None) for data in metadata)
    return next((panel for panel in panels if isinstance(panel, str)), None)


def _as_it_is(value: Any) -> Any:
    return value
