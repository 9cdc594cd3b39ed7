"""timm's registry as a JSON file, so that names and data configurations cost no timm import.

Importing timm takes seconds; reading this file takes milliseconds. There is one file for each timm
version, so an upgrade never reads an old registry.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.records import Preprocessing
from featrank.registry import did_you_mean

# Raised when the file's shape changes, so that an older featrank's file is rebuilt.
_FORMAT = 1

Document = dict[str, Any]


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


class TimmIndex:
    """Every architecture that the installed timm knows, with its weights.

    Args:
        directory: Where the index is kept; None keeps it in memory.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    @cached_property
    def _document(self) -> Document:
        if self._directory is None:
            return _build()
        path = self._directory / f"timm-{version('timm')}.json"
        document = _read(path)
        if document is None:
            document = _build()
            # The file only saves time: a read-only directory must not stop a run.
            with suppress(OSError):
                _write(path, document)
        return document

    @cached_property
    def _tags(self) -> dict[str, list[str]]:
        """For each architecture, the tags that have weights, the default first."""
        tags: dict[str, list[str]] = {name: [] for name in self._document["defaults"]}
        for raw in self._document["entries"].values():
            if raw["hub_id"] or raw["url"]:
                tags[raw["architecture"]].append(raw["tag"])
        return tags

    def architectures(self) -> list[str]:
        """Every architecture, with weights or without, in timm's order."""
        return list(self._document["defaults"])

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
        renamed: dict[str, str] = self._document["deprecated"]
        return renamed

    def find(self, name: str) -> IndexEntry | None:
        """The entry of an architecture's default tag or of ``architecture.tag``."""
        default = self._document["defaults"].get(name)
        raw = self._document["entries"].get(name if default is None else _join(name, default))
        if raw is None:
            return None
        fields = raw | {"preprocessing": Preprocessing.from_config(raw["preprocessing"])}
        return IndexEntry(**fields)

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


def _build() -> Document:
    """The index, from the installed timm."""
    import timm
    from timm.models import get_arch_pretrained_cfgs, get_deprecated_models, get_pretrained_cfg

    defaults: dict[str, str] = {}
    entries: dict[str, Document] = {}
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
    return {"format": _FORMAT, "defaults": defaults, "entries": entries, "deprecated": renamed}


def _describe(architecture: str, config: Any) -> Document:
    """One of timm's pretrained configurations, as JSON."""
    # Through importlib because timm leaves this function without types.
    data = import_module("timm.data").resolve_data_config({}, pretrained_cfg=config.to_dict())
    return {
        "architecture": architecture,
        "tag": config.tag or "",
        "preprocessing": Preprocessing.from_config(data).to_config(),
        "hub_id": config.hf_hub_id or None,
        "hub_filename": config.hf_hub_filename or None,
        "url": config.url if isinstance(config.url, str) and config.url else None,
        "num_classes": config.num_classes,
        "custom_load": bool(config.custom_load),
        "license": config.license,
    }


def _read(path: Path) -> Document | None:
    """The stored index, or None where there is none that can be used."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        return None
    return document


def _write(path: Path, document: Document) -> None:
    """Store the index; a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".timm-", suffix=".json")
    try:
        with os.fdopen(handle, "w") as stream:
            json.dump(document, stream, separators=(",", ":"))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
