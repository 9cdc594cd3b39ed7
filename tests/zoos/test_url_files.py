from __future__ import annotations

import hashlib
import io
from pathlib import Path
from urllib.error import URLError

import pytest

from featrank.errors import IncompleteError
from featrank.storage.file_hashes import FileHashes
from featrank.zoos._url_files import fetch_url_file, find_url_file, is_stored

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
URL = f"https://example.invalid/releases/net-{SHA256[:8]}.pth"
HASHES = FileHashes()


class Answer(io.BytesIO):
    def __init__(self, content: bytes, length: int) -> None:
        super().__init__(content)
        self.headers = {"Content-Length": str(length)}


@pytest.fixture(autouse=True)
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes, length: int) -> None:
    monkeypatch.setattr(
        "featrank.zoos._url_files.urlopen", lambda request, timeout: Answer(content, length)
    )


def test_it_is_kept_where_torch_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.hub import get_dir

    serve(monkeypatch, CONTENT, len(CONTENT))
    assert find_url_file(URL, HASHES) is None
    weights = fetch_url_file(URL, HASHES)
    assert weights.fingerprint == SHA256
    assert weights.path == Path(get_dir()) / "checkpoints" / f"net-{SHA256[:8]}.pth"
    assert find_url_file(URL, HASHES) == weights


def test_a_broken_transfer_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, torch_home: Path
) -> None:
    serve(monkeypatch, CONTENT[:3], len(CONTENT))
    with pytest.raises(IncompleteError, match="connection broke"):
        fetch_url_file(URL, HASHES)
    assert [path for path in torch_home.rglob("*") if path.is_file()] == []


def test_other_content_than_the_name_says(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, b"others!", 7)
    with pytest.raises(IncompleteError, match="checksum mismatch"):
        fetch_url_file(URL, HASHES)


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, timeout: float) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("featrank.zoos._url_files.urlopen", refuse)
    with pytest.raises(IncompleteError, match="Name or service not known") as caught:
        fetch_url_file(URL, HASHES)
    assert "NAME@FILE.safetensors" in caught.value.hint


def test_plain_http_is_not_used() -> None:
    with pytest.raises(IncompleteError, match="not an https address"):
        fetch_url_file("http://example.invalid/net.pth", HASHES)


@pytest.mark.parametrize("url", ["https://host/..", "https://host/a/", "https://host/a\\b"])
def test_an_address_without_a_file_name(url: str) -> None:
    with pytest.raises(IncompleteError, match="names no file"):
        is_stored(url)
