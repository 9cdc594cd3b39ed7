"""Weights that timm knows only by a direct address, kept where torch keeps them."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from featrank.errors import IncompleteError
from featrank.records import Weights
from featrank.reporting import Reporter, Silent
from featrank.storage.atomic import atomic_path
from featrank.storage.contained import ClaimError, plain_name
from featrank.storage.file_hashes import FileHashes
from featrank.zoos._hub import ANSWER_TIMEOUT_S

_HINT = (
    "set FEATRANK_WEIGHTS_MIRROR, download it elsewhere (featrank models NAME --prefetch) and put"
    " it there ({path}), or give a checkpoint: NAME@FILE.safetensors"
)
_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}

# torch's convention: resnet50-0676ba61.pth carries the first digits of its SHA-256.
_HASHED_NAME = re.compile(r"-([0-9a-f]{8,})\.\w+$")


def _stored_at(url: str) -> Path:
    """Where ``torch.hub`` would keep it, without importing torch.

    Raises:
        IncompleteError: The address ends in no file name.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser()
    try:
        name = plain_name(urlsplit(url).path.rpartition("/")[2])
    except ClaimError as error:
        raise IncompleteError(f"{url} names no file: {error}", "upgrade timm") from error
    return home / "hub" / "checkpoints" / name


def is_stored(url: str) -> bool:
    """Whether the file has been downloaded before; it is not looked into."""
    return _stored_at(url).is_file()


def find_url_file(url: str, hashes: FileHashes) -> Weights | None:
    """The file where it has been downloaded before.

    Raises:
        IncompleteError: It is damaged.
    """
    path = _stored_at(url)
    if not path.is_file():
        return None
    fingerprint = hashes.get(path)
    expected = _HASHED_NAME.search(path.name)
    if expected and not fingerprint.startswith(expected[1]):
        raise IncompleteError(
            f"checksum mismatch: {path} is damaged", f"delete {path} and run again"
        )
    return Weights(fingerprint, path)


def url_file_size(url: str) -> int | None:
    """Bytes of the file; None where the server does not say.

    Raises:
        IncompleteError: It is out of reach.
    """
    try:
        request = Request(_address(url), method="HEAD")  # noqa: S310 - checked by _address
        with urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:  # noqa: S310
            length = answer.headers.get("Content-Length")
    except (OSError, ValueError) as error:
        raise _failure(url, error) from error
    return int(length) if length else None


def fetch_url_file(url: str, hashes: FileHashes, reporter: Reporter | None = None) -> Weights:
    """The file, downloaded.

    Raises:
        IncompleteError: It cannot be had.
    """
    path = _stored_at(url)
    try:
        _download(url, path, reporter or Silent())
    except (OSError, ValueError) as error:
        raise _failure(url, error) from error
    weights = find_url_file(url, hashes)
    if weights is None:
        raise IncompleteError(f"{path} vanished after its download", "run again")
    return weights


def _failure(url: str, error: Exception) -> IncompleteError:
    reason = str(getattr(error, "reason", None) or error).splitlines()[0]
    path = _stored_at(url)
    return IncompleteError(
        f"cannot download {path.name} from {urlsplit(_mirrored(url)).hostname}: {reason}",
        _HINT.format(path=path),
    )


def _mirrored(url: str) -> str:
    """The address, at the mirror where ``FEATRANK_WEIGHTS_MIRROR`` names one."""
    mirror = os.environ.get("FEATRANK_WEIGHTS_MIRROR")
    return f"{mirror.rstrip('/')}{urlsplit(url).path}" if mirror else url


def _address(url: str) -> str:
    """Where a file is asked for.

    Raises:
        ValueError: Over a connection that is not safe.
    """
    address = _mirrored(url)
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
        raise ValueError("not an https address")
    return address


def _download(url: str, path: Path, reporter: Reporter) -> None:
    """Write the file in one step: a broken or damaged transfer leaves nothing behind."""
    address = _address(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    with urlopen(address, timeout=ANSWER_TIMEOUT_S) as answer, atomic_path(path) as temporary:  # noqa: S310
        expected = int(answer.headers.get("Content-Length") or 0)
        n_bytes, digest = 0, hashlib.sha256()
        with (
            temporary.open("wb") as stream,
            reporter.progress(path.name, expected, "bytes") as advance,
        ):
            while chunk := answer.read(1 << 20):
                stream.write(chunk)
                digest.update(chunk)
                n_bytes += len(chunk)
                advance(len(chunk))
        if expected and n_bytes != expected:
            raise ValueError("the connection broke")
        announced = _HASHED_NAME.search(path.name)
        if announced and not digest.hexdigest().startswith(announced[1]):
            raise ValueError("checksum mismatch: it was not kept")
