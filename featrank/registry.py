"""Find what the files of a folder declare, and what other packages add; look it up by name."""

from __future__ import annotations

import difflib
import fnmatch
import functools
import importlib
import logging
import pkgutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from importlib.metadata import EntryPoint, distributions
from typing import Any, Generic, TextIO, TypeVar

from featrank.errors import FeatrankError, InputError, PluginError

T = TypeVar("T")

log = logging.getLogger("featrank")


def close_matches(name: str, known: Iterable[str], n: int = 3, cutoff: float = 0.6) -> list[str]:
    """The known names that a typing slip may have meant, best first.

    Args:
        name: As typed.
        known: All that it could have been.
        n: At most so many.
        cutoff: The least similarity, from 0 (anything) to 1 (equal).
    """
    names = list(known)
    lowered = {candidate.lower(): candidate for candidate in names}
    found = difflib.get_close_matches(name.lower(), lowered, n=n, cutoff=cutoff)
    if not found:
        found = [low for low in lowered if name.lower() in low][:n]
    return [lowered[low] for low in found]


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names close matches, or ``otherwise``."""
    matches = close_matches(name, known)
    return f"did you mean {', '.join(matches)}?" if matches else otherwise


def is_wildcard(text: str) -> bool:
    """Whether a name is a shell-style pattern."""
    return any(char in text for char in "*?[")


def plugin_points(group: str) -> list[tuple[str, EntryPoint]]:
    """The entry points of a group, each with its package and version, in order of these.

    Where a package is found twice, the first counts; one that cannot be read is left out with a
    warning. A package that has nothing in the group is not looked at any closer: whatever is wrong
    with it concerns nobody here.
    """
    found: list[tuple[str, EntryPoint]] = []
    seen: set[str] = set()
    for distribution in distributions():
        origin = "an unnamed package"
        try:
            if group not in (distribution.read_text("entry_points.txt") or ""):
                continue
            origin = f"{distribution.name} {distribution.version}"
            if distribution.name not in seen:
                seen.add(distribution.name)
                points = distribution.entry_points.select(group=group)
                found += [(origin, point) for point in points]
        except Exception as error:
            leave_out(origin, "", error)
    return sorted(found, key=lambda pair: (pair[0], pair[1].name))


def leave_out(origin: str, name: str, error: BaseException) -> None:
    """Warn that a plug-in is not used, and why.

    Args:
        origin: Its package and version.
        name: What the entry point is called.
        error: What is wrong with it.
    """
    log.debug("plug-in %s", origin, exc_info=error)
    reason = error if isinstance(error, (ValueError, TypeError)) else repr(error)
    log.warning("warning: plug-in %s of %s is left out: %s", name, origin, reason)


def stdout_is_data() -> redirect_stdout[TextIO]:
    """While a plug-in's code runs: what it prints goes to stderr."""
    return redirect_stdout(sys.stderr)


def guarded(call: Callable[..., T], whose: str) -> Callable[..., T]:
    """A plug-in's function, whose every failure is an error that names the plug-in.

    Args:
        call: The function. A FeatrankError that it raises is left as it is.
        whose: The plug-in with its package, as the message names it.
    """

    @functools.wraps(call)
    def guard(*given: Any, **named: Any) -> T:
        try:
            with stdout_is_data():
                return call(*given, **named)
        except FeatrankError:
            raise
        # It may call sys.exit, which would look like a verdict.
        except (Exception, SystemExit) as error:
            log.debug("%s failed", whose, exc_info=True)
            raise PluginError(
                f"{whose} failed: {error!r}", "--debug shows where; its authors can mend it"
            ) from error

    return guard


def passed_over(call: Callable[..., T], whose: str, otherwise: T) -> Callable[..., T]:
    """A plug-in's function whose failures are a warning, given once.

    Args:
        call: The function.
        whose: The plug-in with its package, as the warning names it.
        otherwise: What is answered where it fails.
    """
    warned = False

    @functools.wraps(call)
    def guard(*given: Any, **named: Any) -> T:
        nonlocal warned
        try:
            with stdout_is_data():
                return call(*given, **named)
        except (Exception, SystemExit) as error:
            log.debug("%s failed", whose, exc_info=True)
            if not warned:
                warned = True
                log.warning("warning: %s failed and is passed over: %r", whose, error)
            return otherwise

    return guard


class Registry(Generic[T]):
    """Declarations found by scanning a package's folder.

    A file takes part by having ``attribute`` at module level; the object's ``name`` is its key.
    Files whose names begin with ``_`` are helpers, and are not looked at.
    Adding a metric, zoo or target kind is therefore adding one file. Other packages add theirs by
    an entry point in the group of the same name as the scanned package; its value is the object.

    Args:
        package: Dotted name of the package whose files are scanned.
        attribute: Module-level name that holds the declaration.
        noun: What one entry is called in messages.
        plugins: Loads what other packages add, by name, when told the names that are taken. Without
            it they are loaded as they are; one that cannot be is left out with a warning.
        admit: What is made of a plug-in that is loaded so, given it and its package with version;
            what it raises is that warning.
    """

    def __init__(
        self,
        package: str,
        attribute: str,
        noun: str,
        plugins: Callable[[Collection[str]], Mapping[str, T]] | None = None,
        admit: Callable[[Any, str], T] | None = None,
    ) -> None:
        self._package = package
        self._attribute = attribute
        self._noun = noun
        self._plugins = plugins
        self._admit = admit
        self._origins: dict[str, str] = {}
        self._found: dict[str, T] | None = None

    def _scan(self) -> dict[str, T]:
        if self._found is None:
            found: dict[str, T] = {}
            package = importlib.import_module(self._package)
            names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
            for name in (name for name in names if not name.startswith("_")):
                module = importlib.import_module(f"{self._package}.{name}")
                declared = getattr(module, self._attribute, None)
                if declared is not None:
                    self._add(declared, found)
            # Before the plug-ins, which may look here themselves.
            self._found = found
            plugins = self._plugged_in if self._plugins is None else self._plugins
            found.update(plugins(list(found)))
        return self._found

    def _add(self, declared: Any, found: dict[str, T]) -> None:
        name = str(declared.name)
        if name in found:
            raise RuntimeError(f"two files declare the {self._noun} '{name}'")
        found[name] = declared

    def _plugged_in(self, taken: Collection[str]) -> dict[str, T]:
        """What other installed packages declare; whatever is wrong with one is a warning."""
        found: dict[str, T] = {}
        for origin, point in plugin_points(self._package):
            try:
                with stdout_is_data():
                    declared = point.load()
                    if self._admit is not None:
                        declared = self._admit(declared, origin)
                if declared.name in found or declared.name in taken:
                    raise ValueError(f"there is a {self._noun} '{declared.name}' already")
                found[declared.name] = declared
                self._origins[declared.name] = origin
            except (Exception, SystemExit) as error:
                leave_out(origin, point.name, error)
        return found

    def __iter__(self) -> Iterator[T]:
        return iter(self._scan().values())

    def names(self) -> list[str]:
        """All names, sorted by file."""
        return list(self._scan())

    def origin(self, name: str) -> str:
        """The package and version that an entry comes from; empty for one that is built in."""
        self._scan()
        return self._origins.get(name, "")

    def get(self, name: str) -> T:
        """The entry of that name.

        Raises:
            InputError: There is none; the hint names close matches.
        """
        try:
            return self._scan()[name]
        except KeyError:
            listing = f"known: {', '.join(self.names())}"
            raise InputError(
                f"unknown {self._noun} '{name}'", did_you_mean(name, self.names(), listing)
            ) from None

    def select(self, patterns: Iterable[str]) -> list[T]:
        """The entries that names or wildcards pick, in the order asked, each once."""
        picked: dict[str, T] = {}
        for pattern in patterns:
            if is_wildcard(pattern):
                matches = fnmatch.filter(self.names(), pattern)
                if not matches:
                    raise InputError(
                        f"no {self._noun} matches '{pattern}'", f"known: {', '.join(self.names())}"
                    )
                picked |= {name: self.get(name) for name in matches}
            else:
                picked[pattern] = self.get(pattern)
        return list(picked.values())
