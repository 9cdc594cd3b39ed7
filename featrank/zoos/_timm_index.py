"""timm's registry as a JSON file, so that names and data configurations cost no timm import.

Importing timm takes seconds; reading this file takes milliseconds. There is one file for each timm
version, so an upgrade never reads an old registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.records import Preprocessing
from featrank.registry import did_you_mean
from featrank.storage.kept_index import kept_or_made

# Raised when the file's shape changes, so that an older featrank's file is rebuilt.
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One architecture with one set of weights, or with none.

    Attributes:
        architecture: timm's architecture name.
        tag: The tag of the weights; empty for a configuration without one.
        preprocessing: timm's data configuration for it.
        hub_id: The hub repository, with ``@revision`` where timm pins one.
        hub_filename: The file in it, where it is not one of the usual names.
        url: A direct address of the weights, for those that are on no hub.
        num_classes: Classes of the classifier; 0 for none.
        custom_load: Whether the file at ``url`` is in a foreign format.
        license: The licence of the weights, where timm records it.
    """

    architecture: str
    tag: str
    preprocessing: Preprocessing
    hub_id: str | None
    hub_filename: str | None
    url: str | None
    num_classes: int
    custom_load: bool
    license: str | None

    @property
    def name(self) -> str:
        """``architecture.tag``."""
        return f"{self.architecture}.{self.tag}" if self.tag else self.architecture

    @property
    def has_weights(self) -> bool:
        return bool(self.hub_id or self.url)


@dataclass(frozen=True, slots=True)
class Registry:
    """What timm knows.

    Attributes:
        defaults: The default tag of each architecture, in timm's order.
        entries: By ``architecture.tag``; an architecture's default comes first.
        deprecated: Names that timm has renamed, with what they are called now.
    """

    defaults: dict[str, str]
    entries: dict[str, IndexEntry]
    deprecated: dict[str, str]


class TimmIndex:
    """Every architecture that the installed timm knows, with its weights.

    Args:
        directory: Where the index is kept; None keeps it in memory.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    @cached_property
    def _registry(self) -> Registry:
        installed = version("timm")
        key = {"format": _FORMAT, "timm": installed}
        return kept_or_made(self._directory, f"timm-{installed}.json", key, Registry, _build)

    @cached_property
    def _tags(self) -> dict[str, list[str]]:
        """For each architecture, the tags that have weights, the default first."""
        tags: dict[str, list[str]] = {name: [] for name in self._registry.defaults}
        for entry in self._registry.entries.values():
            if entry.has_weights:
                tags.setdefault(entry.architecture, []).append(entry.tag)
        return tags

    def architectures(self) -> list[str]:
        """Every architecture, with weights or without, in timm's order."""
        return list(self._registry.defaults)

    @cached_property
    def _pretrained(self) -> tuple[str, ...]:
        return tuple(name for name, tags in self._tags.items() if tags)

    def pretrained_architectures(self) -> list[str]:
        """The architectures that have weights, in timm's order."""
        return list(self._pretrained)

    def pretrained_names(self) -> list[str]:
        """Every ``architecture.tag`` that has weights."""
        return [_join(name, tag) for name, tags in self._tags.items() for tag in tags]

    def tags(self, architecture: str) -> list[str]:
        """The tags of an architecture's weights, the default first; [] for none."""
        return list(self._tags.get(architecture, []))

    def deprecated(self) -> Mapping[str, str]:
        """Names that timm has renamed, with what they are called now."""
        return self._registry.deprecated

    def find(self, name: str) -> IndexEntry | None:
        """The entry of an architecture's default tag or of ``architecture.tag``."""
        default = self._registry.defaults.get(name)
        return self._registry.entries.get(name if default is None else _join(name, default))

    def entry(self, name: str) -> IndexEntry:
        """As :meth:`find`.

        Raises:
            InputError: timm has no such name.
        """
        entry = self.find(name)
        if entry is None:
            raise InputError(
                f"timm has no model '{name}'", did_you_mean(name, self.architectures())
            )
        return entry


def _join(architecture: str, tag: str) -> str:
    return f"{architecture}.{tag}" if tag else architecture


def _build() -> Registry:
    """The index, from the installed timm."""
    import timm
    from timm.models import get_arch_pretrained_cfgs, get_deprecated_models, get_pretrained_cfg

    defaults: dict[str, str] = {}
    entries: dict[str, IndexEntry] = {}
    for architecture in timm.list_models():
        default = get_pretrained_cfg(architecture)
        if default is None:
            continue  # registered by a plug-in without any configuration: nothing to build it from
        defaults[architecture] = default.tag or ""
        configs = get_arch_pretrained_cfgs(architecture)
        first = _join(architecture, default.tag or "")
        for name in sorted(configs, key=lambda name: name != first):
            entries[name] = _describe(architecture, configs[name])
    renamed = {old: new for old, new in get_deprecated_models().items() if new}
    return Registry(defaults, entries, renamed)


def _describe(architecture: str, config: Any) -> IndexEntry:
    """One of timm's pretrained configurations."""
    # Through importlib because timm leaves this function without types.
    data = import_module("timm.data").resolve_data_config({}, pretrained_cfg=config.to_dict())
    return IndexEntry(
        architecture=architecture,
        tag=config.tag or "",
        preprocessing=Preprocessing.from_config(data),
        hub_id=config.hf_hub_id or None,
        hub_filename=config.hf_hub_filename or None,
        url=config.url if isinstance(config.url, str) and config.url else None,
        num_classes=config.num_classes,
        custom_load=bool(config.custom_load),
        license=config.license,
    )
