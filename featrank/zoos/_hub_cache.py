"""Where the hub's client keeps a repository: names that stay there, links that do not lead out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from featrank.errors import IncompleteError, InputError
from featrank.storage.contained import ClaimError, plain_name, relative_name, resolves_inside
from featrank.storage.named_files import open_regular

_COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST_REF = 200

# What the client writes into, in a repository's folder.
_WRITTEN = ("blobs", "refs", "snapshots")

_HINT = "where the link is yours, put the folder itself there, or set HF_HUB_CACHE"


def split_hub_id(hub_id: str) -> tuple[str, str | None]:
    """The repository and the revision of ``org/name@revision``; None where none is named.

    The client makes folders of both.

    Raises:
        InputError: One of them could lead out of the hub's cache.
    """
    repository, at, revision = hub_id.partition("@")
    try:
        relative_name(repository)
        if at:
            relative_name(revision)
    except ClaimError as error:
        raise InputError(
            f"'{hub_id}' names no repository and revision of a hub: {error}",
            "the form is ORG/NAME or ORG/NAME@REVISION",
        ) from error
    return repository, revision or None


def check_file_name(name: str, where: str) -> str:
    """The name of a file in a repository or a model's folder.

    Args:
        name: The name; it may have folders.
        where: Who says so, for the message.

    Raises:
        InputError: It could lead out.
    """
    try:
        return relative_name(name)
    except ClaimError as error:
        raise InputError(
            f"{where} names weights that could lead out of its folder: {error}",
            "give the weights alone, with the architecture they are for: NAME@FILE.safetensors",
        ) from error


def is_in_hub_cache(hub_id: str, files: Sequence[str]) -> bool:
    """Whether one of the files is in the local cache; it is not looked into.

    Quick enough to ask for every model there is: the client itself is not imported.
    """
    repository, revision = split_hub_id(hub_id)
    return any(cached_file(repository, revision, name) for name in files)


def cached_file(repository: str, revision: str | None, name: str) -> Path | None:
    """Where a file lies in the local cache; None where it does not, or its blob is gone.

    As the hub's client looks it up, but for caches that were copied without their `refs`, or with
    line ends in them: there the client finds nothing. Without a ref the one snapshot is meant that
    has the file; of several none.
    """
    folder = _folder(repository)
    snapshots = folder / "snapshots"
    try:
        with open_regular(folder / "refs" / (revision or "main")) as stream:
            named = stream.read(_LONGEST_REF).decode(errors="replace")
        places = [snapshots / named.strip()] if _COMMIT.fullmatch(named.strip()) else []
    except OSError:
        places = [snapshots / revision] if revision else _entries(snapshots)
    found = [place / name for place in places if (place / name).is_file()]
    return found[0] if len(found) == 1 else None


def check_cached(repository: str, path: Path) -> Path:
    """A file that the client found, where it lies in the cache, links followed.

    A repository's folder may be a link: somebody chose to keep it elsewhere.

    Raises:
        IncompleteError: Its links lead out.
    """
    folder = _folder(repository)
    for root in (folder, folder.parent):
        try:
            return resolves_inside(root, path)
        except ClaimError:
            continue
    raise IncompleteError(f"{path} leads out of the hub cache", _HINT)


def check_writable(repository: str, revision: str | None) -> None:
    """That nothing which a download writes, or replaces, lies elsewhere than in the cache.

    Raises:
        IncompleteError: A link leads out.
    """
    folder = _folder(repository)
    places = [folder / name for name in _WRITTEN]
    there = [path for place in places for path in _entries(place)]
    locks = folder.parent / ".locks" / folder.name
    for path in (folder, *places, *there, folder / "refs" / (revision or "main"), locks):
        try:
            resolves_inside(folder.parent, path)
        except ClaimError as error:
            raise IncompleteError(f"{error}; nothing was downloaded", _HINT) from error


def _folder(repository: str) -> Path:
    from huggingface_hub import constants

    name = plain_name(f"models--{repository.replace('/', '--')}")
    return Path(constants.HF_HUB_CACHE, name)


def _entries(place: Path) -> list[Path]:
    """What is in a folder; nothing where it is not there, or closed: the client will say so."""
    try:
        return list(place.iterdir())
    except OSError:
        return []
