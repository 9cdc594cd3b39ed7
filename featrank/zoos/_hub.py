"""Weight files from the Hugging Face hub: found in its local cache, or fetched.

Without a network the hub's client repeats its requests for close to a minute, for every file of
every model. So the hub is asked once with a short time-out before any download, and when it has
not answered it is not asked again in this process.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from featrank.errors import IncompleteError
from featrank.records import Weights
from featrank.reporting import Advance, Reporter, Silent
from featrank.storage.file_hashes import FileHashes
from featrank.zoos._hub_answers import WAYS_OUT, failure, host, no_more_requests, status_of
from featrank.zoos._hub_cache import (
    cached_file,
    check_cached,
    check_writable,
    split_hub_id,
)
from featrank.zoos._patience import Patience

ANSWER_TIMEOUT_S = 5

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
        self._patience = Patience()
        self._chosen: dict[tuple[str, str | None, tuple[str, ...]], tuple[str, int | None]] = {}

    def reset(self) -> None:
        """Forget what the hub said."""
        self._unanswered = ""
        self._patience = Patience()
        self._chosen.clear()

    def find(self, hub_id: str, files: Sequence[str], hashes: FileHashes) -> Weights | None:
        """The first of the files that is in the local cache.

        Raises:
            InputError: The name could lead out of the cache.
            IncompleteError: The cached file is damaged, or a link leads out of the cache.
        """
        repository, revision = split_hub_id(hub_id)
        for name in files:
            cached = cached_file(repository, revision, name)
            if cached is not None:
                return _verified(check_cached(repository, cached), hashes)
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

        repository, revision = split_hub_id(hub_id)
        check_writable(repository, revision)
        name, n_bytes = self._choose(hub_id, files)
        with (reporter or Silent()).progress(repository, n_bytes or 0, "bytes") as advance:
            try:
                stored = self._patience.call(
                    lambda: hf_hub_download(
                        repository,
                        name,
                        revision=revision,
                        etag_timeout=ANSWER_TIMEOUT_S,
                        tqdm_class=_progress_class(advance),
                    )
                )
            except Exception as error:
                raise failure(repository, error) from error
        path = check_cached(repository, Path(stored))
        try:
            return _verified(path, hashes)
        except IncompleteError as error:
            _remove(path)
            raise IncompleteError(
                f"checksum mismatch: {host()} sent {repository} with other content than it"
                " announced; it was not kept",
                f"run again; if it stays so, the mirror is damaged: {WAYS_OUT}",
            ) from error

    def _choose(self, hub_id: str, files: Sequence[str]) -> tuple[str, int | None]:
        """The first file that the hub says it has, and its size."""
        from huggingface_hub import constants

        repository, revision = split_hub_id(hub_id)
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
        if self._patience.is_asked_to_wait:
            raise no_more_requests()
        address = hf_hub_url(repository, name, revision=revision)
        try:
            answer = self._patience.call(
                lambda: get_hf_file_metadata(address, timeout=ANSWER_TIMEOUT_S)
            )
        except EntryNotFoundError:
            return False, None
        except Exception as error:
            refusal = failure(repository, error)
            if status_of(error) is None:
                self._unanswered = refusal.message
            raise refusal from error
        if answer.commit_hash is None or answer.etag is None:
            raise IncompleteError(
                f"{host()} answered, but not as a model hub does", f"check HF_ENDPOINT; {WAYS_OUT}"
            )
        if not (_ETAG.fullmatch(answer.etag) and _COMMIT.fullmatch(answer.commit_hash)):
            raise IncompleteError(
                f"{host()} names {repository} with an ETag or a commit that is no hash: such a"
                " name could lead out of the hub cache; nothing was downloaded",
                f"check HF_ENDPOINT; {WAYS_OUT}",
            )
        return True, answer.size


HUB = Hub()


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
