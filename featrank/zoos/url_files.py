"""Weights that timm knows only by a direct address, kept where torch keeps them."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import urlopen

from featrank.errors import IncompleteError
from featrank.file_hashes import FileHashes
from featrank.records import Weights
from featrank.zoos.hub import ANSWER_TIMEOUT_S

_HINT = (
    "download it elsewhere and put it there ({path}), or give a checkpoint: NAME@FILE.safetensors"
)
# torch's convention: resnet50-0676ba61.pth carries the first digits of its SHA-256.
_HASHED_NAME = re.compile(r"-([0-9a-f]{8,})\.\w+$")


def _stored_at(url: str) -> Path:
    """Where ``torch.hub`` would keep it, without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser()
    return home / "hub" / "checkpoints" / PurePosixPath(urlsplit(url).path).name


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


def fetch_url_file(url: str, hashes: FileHashes) -> Weights:
    """The file, downloaded.

    Raises:
        IncompleteError: It cannot be had.
    """
    path = _stored_at(url)
    try:
        _download(url, path)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "reason", None) or error).splitlines()[0]
        raise IncompleteError(
            f"cannot download {path.name} from {urlsplit(url).hostname}: {reason}",
            _HINT.format(path=path),
        ) from error
    weights = find_url_file(url, hashes)
    if weights is None:
        raise IncompleteError(f"{path} vanished after its download", "run again")
    return weights


def _download(url: str, path: Path) -> None:
    """Write the file in one step: a broken transfer leaves nothing behind."""
    if urlsplit(url).scheme != "https":
        raise ValueError("not an https address")
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        urlopen(url, timeout=ANSWER_TIMEOUT_S) as answer,  # noqa: S310 - https, checked above
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=".download-", delete=False) as stream,
    ):
        temporary = Path(stream.name)
        try:
            while chunk := answer.read(1 << 20):
                stream.write(chunk)
            expected = answer.headers.get("Content-Length")
            if expected is not None and stream.tell() != int(expected):
                raise ValueError("the connection broke")
            stream.flush()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
