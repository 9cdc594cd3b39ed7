"""Weight files from the Hugging Face hub: found in its local cache, or fetched.

Without a network the hub's client repeats its requests for close to a minute, for every file of
every model. So the hub is asked once with a short time-out before any download, and when it has
not answered it is not asked again in this process.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from featrank.errors import IncompleteError
from featrank.file_hashes import FileHashes
from featrank.records import Weights

WAYS_OUT = (
    "set HF_ENDPOINT to a reachable mirror, prefetch into the hub cache and set HF_HUB_OFFLINE=1, "
    "or give a checkpoint: NAME@FILE.safetensors"
)
ANSWER_TIMEOUT_S = 5

# timm's own order. Only formats that cannot run code when read: safetensors, and pickles that
# torch reads with weights_only.
_USUAL_FILES = ("model.safetensors", "pytorch_model.bin")
_READABLE = (".safetensors", ".bin", ".pth")
_SAFE_NAMES = {"open_clip_pytorch_model.bin": "open_clip_model.safetensors"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


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

    def reset(self) -> None:
        """Forget that the hub did not answer."""
        self._unanswered = ""

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

    def fetch(self, hub_id: str, files: Sequence[str], hashes: FileHashes) -> Weights:
        """The first of the files that the repository has, downloaded into the local cache.

        Raises:
            IncompleteError: It cannot be had; one line says why, the hint names the ways out.
        """
        from huggingface_hub import constants, hf_hub_download

        repository, revision = _split(hub_id)
        if constants.HF_HUB_OFFLINE:
            raise IncompleteError(
                f"offline (HF_HUB_OFFLINE is set) and {repository} is not in the hub cache",
                f"unset HF_HUB_OFFLINE, or {WAYS_OUT}",
            )
        name = self._choose(repository, files, revision)
        try:
            path = hf_hub_download(
                repository, name, revision=revision, etag_timeout=ANSWER_TIMEOUT_S
            )
        except Exception as error:
            raise _failure(repository, error) from error
        return _verified(Path(path), hashes)

    def size(self, hub_id: str, files: Sequence[str]) -> int | None:
        """Bytes of the file that :meth:`fetch` would download; None where the hub does not say."""
        from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

        if constants.HF_HUB_OFFLINE:
            return None
        repository, revision = _split(hub_id)
        try:
            name = self._choose(repository, files, revision)
            address = hf_hub_url(repository, name, revision=revision)
            return get_hf_file_metadata(address, timeout=ANSWER_TIMEOUT_S).size
        except Exception:
            return None

    def _choose(self, repository: str, files: Sequence[str], revision: str | None) -> str:
        """The first file that the hub says it has."""
        for name in files:
            if self._has(repository, name, revision):
                return name
        raise IncompleteError(f"{repository} holds none of {', '.join(files)}", WAYS_OUT)

    def _has(self, repository: str, name: str, revision: str | None) -> bool:
        """Ask once, without the client's repetitions."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import EntryNotFoundError

        if self._unanswered:
            raise IncompleteError(self._unanswered, WAYS_OUT)
        try:
            address = hf_hub_url(repository, name, revision=revision)
            answer = get_hf_file_metadata(address, timeout=ANSWER_TIMEOUT_S)
        except EntryNotFoundError:
            return False
        except Exception as error:
            failure = _failure(repository, error)
            if _status(error) is None:
                self._unanswered = failure.message
            raise failure from error
        if answer.commit_hash is None or answer.etag is None:
            raise IncompleteError(
                f"{_host()} answered, but not as a model hub does", f"check HF_ENDPOINT; {WAYS_OUT}"
            )
        return True


HUB = Hub()


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
