"""Weight files from the Hugging Face hub: found in its local cache, or fetched.

Without a network the hub's client repeats its requests for close to a minute, for every file of
every model. So the hub is asked once with a short time-out before any download, and when it has
not answered it is not asked again in this process.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from featrank.errors import IncompleteError
from featrank.records import Weights
from featrank.reporting import Advance, Reporter, Silent
from featrank.storage.file_hashes import FileHashes

T = TypeVar("T")

WAYS_OUT = (
    "set HF_ENDPOINT to a reachable mirror, prefetch where there is a network (featrank models "
    "NAME --prefetch), copy the hub cache and set HF_HUB_OFFLINE=1, or give a checkpoint: "
    "NAME@FILE.safetensors"
)
ANSWER_TIMEOUT_S = 5

# Told to wait, a run waits as often as this, and no longer than this at a time.
PATIENCE = 3
LONGEST_WAIT_S = 30.0

# timm's own order. Only formats that cannot run code when read: safetensors, and pickles that
# torch reads with weights_only.
_USUAL_FILES = ("model.safetensors", "pytorch_model.bin")
_READABLE = (".safetensors", ".bin", ".pth")
_SAFE_NAMES = {"open_clip_pytorch_model.bin": "open_clip_model.safetensors"}
_SHA256 = re.compile(r"[0-9a-f]{64}")

# The client stores a file under these names: what is no hash could be a path.
_ETAG = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def candidate_files(filename: str | None) -> tuple[str, ...]:
    """The files that may hold a repository's weights, the preferred one first.

    Args:
        filename: What timm's configuration names; None for the usual names.
    """
    if filename is None or filename in _USUAL_FILES or not filename.endswith(_READABLE):
        return _USUAL_FILES
    if filename.endswith(".safetensors"):
        return (filename,)
    safe = _SAFE_NAMES.get(filename, f"{filename.rsplit('.', 1)[0]}.safetensors")
    return (safe, filename)


class Hub:
    """The hub as this process has met it so far."""

    def __init__(self) -> None:
        self._unanswered = ""
        self._chosen: dict[tuple[str, str | None, tuple[str, ...]], tuple[str, int | None]] = {}

    def reset(self) -> None:
        """Forget what the hub said."""
        self._unanswered = ""
        self._chosen.clear()

    def find(self, hub_id: str, files: Sequence[str], hashes: FileHashes) -> Weights | None:
        """The first of the files that is in the local cache.

        Raises:
            IncompleteError: The cached file is damaged.
        """
        from huggingface_hub import try_to_load_from_cache

        repository, revision = _split(hub_id)
        for name in files:
            cached = try_to_load_from_cache(repository, name, revision=revision)
            if isinstance(cached, str):
                return _verified(Path(cached), hashes)
        return None

    def size(self, hub_id: str, files: Sequence[str]) -> int | None:
        """Bytes of the file that :meth:`fetch` would download; None where the hub does not say.

        Raises:
            IncompleteError: It cannot be had.
        """
        return self._choose(hub_id, files)[1]

    def fetch(
        self,
        hub_id: str,
        files: Sequence[str],
        hashes: FileHashes,
        reporter: Reporter | None = None,
    ) -> Weights:
        """The first of the files that the repository has, downloaded into the local cache.

        A transfer that is cut goes on where it stopped. A file that does not have the checksum that
        the hub announced is removed again.

        Raises:
            IncompleteError: It cannot be had; one line says why, the hint names the ways out.
        """
        from huggingface_hub import hf_hub_download

        repository, revision = _split(hub_id)
        name, n_bytes = self._choose(hub_id, files)
        with (reporter or Silent()).progress(repository, n_bytes or 0, "bytes") as advance:
            try:
                path = hf_hub_download(
                    repository,
                    name,
                    revision=revision,
                    etag_timeout=ANSWER_TIMEOUT_S,
                    tqdm_class=_progress_class(advance),
                )
            except Exception as error:
                raise _failure(repository, error) from error
        try:
            return _verified(Path(path), hashes)
        except IncompleteError as error:
            _remove(Path(path))
            raise IncompleteError(
                f"checksum mismatch: {_host()} sent {repository} with other content than it"
                " announced; it was not kept",
                f"run again; if it stays so, the mirror is damaged: {WAYS_OUT}",
            ) from error

    def _choose(self, hub_id: str, files: Sequence[str]) -> tuple[str, int | None]:
        """The first file that the hub says it has, and its size."""
        from huggingface_hub import constants

        repository, revision = _split(hub_id)
        if constants.HF_HUB_OFFLINE:
            raise IncompleteError(
                f"offline (HF_HUB_OFFLINE is set) and {repository} is not in the hub cache",
                f"unset HF_HUB_OFFLINE, or {WAYS_OUT}",
            )
        key = (repository, revision, tuple(files))
        if key not in self._chosen:
            for name in files:
                found, n_bytes = self._ask(repository, name, revision)
                if found:
                    self._chosen[key] = name, n_bytes
                    break
            else:
                raise IncompleteError(f"{repository} holds none of {', '.join(files)}", WAYS_OUT)
        return self._chosen[key]

    def _ask(self, repository: str, name: str, revision: str | None) -> tuple[bool, int | None]:
        """Whether the hub has a file, and its size; without the client's repetitions."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import EntryNotFoundError

        if self._unanswered:
            raise IncompleteError(self._unanswered, WAYS_OUT)
        address = hf_hub_url(repository, name, revision=revision)
        try:
            answer = _patiently(lambda: get_hf_file_metadata(address, timeout=ANSWER_TIMEOUT_S))
        except EntryNotFoundError:
            return False, None
        except Exception as error:
            failure = _failure(repository, error)
            if _status(error) is None:
                self._unanswered = failure.message
            raise failure from error
        if answer.commit_hash is None or answer.etag is None:
            raise IncompleteError(
                f"{_host()} answered, but not as a model hub does", f"check HF_ENDPOINT; {WAYS_OUT}"
            )
        if not (_ETAG.fullmatch(answer.etag) and _COMMIT.fullmatch(answer.commit_hash)):
            raise IncompleteError(
                f"{_host()} names {repository} with an ETag or a commit that is no hash: such a"
                " name could lead out of the hub cache; nothing was downloaded",
                f"check HF_ENDPOINT; {WAYS_OUT}",
            )
        return True, answer.size


HUB = Hub()


def _patiently(ask: Callable[[], T]) -> T:
    """Ask again, after the time it names, where the hub wants fewer requests."""
    for tries_left in reversed(range(PATIENCE + 1)):
        try:
            return ask()
        except Exception as error:
            if _status(error) != HTTPStatus.TOO_MANY_REQUESTS or not tries_left:
                raise
            headers = getattr(getattr(error, "response", None), "headers", {})
            named = str(headers.get("Retry-After", ""))
            wait = float(named) if named.isdecimal() else 2.0 ** (PATIENCE - tries_left)
            time.sleep(min(wait, LONGEST_WAIT_S))
    raise AssertionError("the last try returns or raises")


def _progress_class(advance: Advance) -> type[Any]:
    """What the hub's client takes for a bar: it only counts."""
    from huggingface_hub.utils.tqdm import tqdm

    class Count(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]
            advance(int(kwargs.get("initial") or 0))

        def update(self, n: float | None = 1) -> None:
            advance(int(n or 0))

    return Count


def _remove(path: Path) -> None:
    """Take a damaged file out of the cache: the link that names it and what it leads to."""
    with suppress(OSError):
        path.resolve().unlink()
    with suppress(OSError):
        path.unlink(missing_ok=True)


def is_in_hub_cache(hub_id: str, files: Sequence[str]) -> bool:
    """Whether one of the files is in the local cache; it is not looked into.

    Quick enough to ask for every model there is: the client itself is not imported.
    """
    from huggingface_hub import constants

    repository, _ = _split(hub_id)
    folder = f"models--{repository.replace('/', '--')}"
    snapshots = Path(constants.HF_HUB_CACHE, folder, "snapshots")
    if not snapshots.is_dir():
        return False
    return any((place / name).is_file() for place in snapshots.iterdir() for name in files)


def _split(hub_id: str) -> tuple[str, str | None]:
    repository, _, revision = hub_id.partition("@")
    return repository, revision or None


def _verified(path: Path, hashes: FileHashes) -> Weights:
    """A cached file with its SHA-256, which for large files is also the name it is stored under.

    Raises:
        IncompleteError: The two differ, or the file cannot be read.
    """
    try:
        fingerprint = hashes.get(path)
        stored_as = path.resolve().name
    except OSError as error:
        raise IncompleteError(f"cannot read {path}: {error.strerror}", WAYS_OUT) from error
    if _SHA256.fullmatch(stored_as) and stored_as != fingerprint:
        raise IncompleteError(
            f"checksum mismatch: {path} is damaged", f"delete {path.resolve()} and run again"
        )
    return Weights(fingerprint, path)


def _host() -> str:
    """The hub's address without credentials."""
    from huggingface_hub import constants

    parts = urlsplit(constants.ENDPOINT)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error of the hub's client, or its cause, carries."""
    current: BaseException | None = error
    while current is not None:
        status = getattr(getattr(current, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        current = current.__cause__
    return None


def _failure(repository: str, error: Exception) -> IncompleteError:
    """What the hub's client raised, in one line."""
    status = _status(error)
    if status is not None:
        return _refusal(repository, status)
    if isinstance(error, OSError) and error.errno is not None and error.filename:
        return IncompleteError(
            f"cannot store {repository}: {error.strerror}", "free disk space, or set HF_HOME"
        )
    if "Consistency check failed" in str(error):
        return IncompleteError(
            f"{_host()} sent {repository} with another size than it announced", "run again"
        )
    return IncompleteError(f"{_host()} did not answer ({_reason(error)})", WAYS_OUT)


def _refusal(repository: str, status: int) -> IncompleteError:
    """What an answer other than the file means."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        what = f"refused access to {repository} ({status}): gated, private or no such model"
        return IncompleteError(
            f"{_host()} {what}", f"set HF_TOKEN to a token that may read it, or {WAYS_OUT}"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return IncompleteError(
            f"{_host()} wants fewer requests ({status})", f"wait, set HF_TOKEN, or {WAYS_OUT}"
        )
    if status == HTTPStatus.NOT_FOUND:
        what = f"has no {repository}"
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        what = f"failed to serve {repository}"
    else:
        what = f"rejected the request for {repository}"
    return IncompleteError(f"{_host()} {what} ({status})", WAYS_OUT)


def _reason(error: Exception) -> str:
    """The first line of an error, without addresses: they may carry tokens."""
    lines = re.sub(r"\w+://\S+", "...", str(error)).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
