from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import LoopbackHub

from featrank.errors import IncompleteError, InputError
from featrank.reporting import Advance, Silent
from featrank.storage.file_hashes import FileHashes
from featrank.zoos._hub import HUB, WAYS_OUT, candidate_files

REPOSITORY = "timm/test_resnet.r160_in1k"
FILE = f"{REPOSITORY}/model.safetensors"
HASHES = FileHashes()


def fetch(repository: str = REPOSITORY) -> IncompleteError:
    with pytest.raises(IncompleteError) as caught:
        HUB.fetch(repository, candidate_files(None), HASHES)
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("named", "files"),
    [
        (None, ("model.safetensors", "pytorch_model.bin")),
        ("pytorch_model.bin", ("model.safetensors", "pytorch_model.bin")),
        ("own.safetensors", ("own.safetensors",)),
        ("own.bin", ("own.safetensors", "own.bin")),
        (
            "open_clip_pytorch_model.bin",
            ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
        ),
        ("jax.npz", ("model.safetensors", "pytorch_model.bin")),
    ],
)
def test_candidates_are_safe_formats(named: str | None, files: tuple[str, ...]) -> None:
    assert candidate_files(named) == files


def test_fetch_then_find(hub: LoopbackHub, small_file: Path) -> None:
    assert HUB.find(REPOSITORY, candidate_files(None), HASHES) is None
    assert hub.requests == []
    fetched = HUB.fetch(REPOSITORY, candidate_files(None), HASHES)
    assert fetched.fingerprint == hashlib.sha256(small_file.read_bytes()).hexdigest()
    asked = len(hub.requests)
    assert HUB.find(REPOSITORY, candidate_files(None), HASHES) == fetched
    assert len(hub.requests) == asked


def test_the_second_name_is_tried(hub: LoopbackHub) -> None:
    hub.files[f"{REPOSITORY}/pytorch_model.bin"] = hub.files.pop(FILE)
    weights = HUB.fetch(REPOSITORY, candidate_files(None), HASHES)
    assert weights.path is not None
    assert weights.path.name == "pytorch_model.bin"
    assert HUB.find(REPOSITORY, candidate_files(None), HASHES) == weights


def test_a_pinned_revision_is_asked_for(hub: LoopbackHub) -> None:
    HUB.fetch(f"{REPOSITORY}@v2", candidate_files(None), HASHES)
    assert all("/resolve/v2/" in line for line in hub.requests)


def test_the_token_goes_along(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    HUB.fetch(REPOSITORY, candidate_files(None), HASHES)
    assert hub.tokens[0] == "Bearer hf_secret"


@pytest.mark.parametrize(
    ("status", "says", "hints"),
    [
        (401, "refused access", "HF_TOKEN"),
        (403, "refused access", "HF_TOKEN"),
        (404, "(404)", "HF_ENDPOINT"),
        (429, "fewer requests", "wait"),
        (500, "failed to serve", "HF_ENDPOINT"),
        (503, "failed to serve", "HF_ENDPOINT"),
        (418, "rejected", "HF_ENDPOINT"),
    ],
)
def test_refusals(
    hub: LoopbackHub, status: int, says: str, hints: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featrank.zoos._patience.PATIENCE_S", 0.05)
    HUB.reset()
    hub.statuses[FILE] = status
    error = fetch()
    assert says in error.message
    assert hints in error.hint
    del hub.statuses[FILE]
    HUB.reset()
    HUB.fetch(REPOSITORY, candidate_files(None), HASHES)


def test_no_such_repository_or_file(hub: LoopbackHub) -> None:
    assert "has no timm/nothing (404)" in fetch("timm/nothing").message
    hub.files = {f"{REPOSITORY}/README.md": b"words"}
    assert "holds none of model.safetensors" in fetch().message


def test_a_wrong_checksum(hub: LoopbackHub) -> None:
    hub.etags[FILE] = "ab" * 32
    error = fetch()
    assert "checksum mismatch" in error.message
    assert "run again" in error.hint
    assert HUB.find(REPOSITORY, candidate_files(None), HASHES) is None
    del hub.etags[FILE]
    assert HUB.fetch(REPOSITORY, candidate_files(None), HASHES).path is not None


def test_a_file_damaged_in_the_cache(hub: LoopbackHub) -> None:
    path = HUB.fetch(REPOSITORY, candidate_files(None), HASHES).path
    assert path is not None
    path.resolve().write_bytes(b"rotten")
    with pytest.raises(IncompleteError, match="damaged") as caught:
        HUB.find(REPOSITORY, candidate_files(None), HASHES)
    assert caught.value.hint.startswith("delete ")


def test_told_to_wait_it_waits_and_asks_again(hub: LoopbackHub) -> None:
    hub.passing[FILE], hub.retry_after = [429, 429], 0
    HUB.fetch(REPOSITORY, candidate_files(None), HASHES)
    assert hub.requests.count(f"HEAD /{REPOSITORY}/resolve/main/model.safetensors") >= 3


def test_told_to_wait_for_long_a_process_waits_once(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("featrank.zoos._patience.time.sleep", waits.append)
    hub.statuses[FILE], hub.retry_after = 429, 3600
    for _ in range(3):
        assert "wants fewer requests" in fetch().message
    assert waits == [30]
    assert len(hub.requests) == 2


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_time_named_in_mid_download_is_not_slept_for(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    assert HUB.size(REPOSITORY, candidate_files(None))
    waits: list[float] = []
    monkeypatch.setattr("featrank.zoos._patience.time.sleep", waits.append)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", waits.append)
    hub.statuses[FILE], hub.retry_after = status, 3600
    assert str(status) in fetch().message
    assert sum(waits) <= 30


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client loses the chunk that is cut; its own are of 10 MB."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1 << 14)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)


@pytest.mark.usefixtures("small_chunks")
def test_a_cut_transfer_goes_on_where_it_stopped(hub: LoopbackHub, small_file: Path) -> None:
    size = small_file.stat().st_size
    hub.cuts[FILE] = [size // 3, size // 3]
    weights = HUB.fetch(REPOSITORY, candidate_files(None), HASHES)
    assert weights.fingerprint == hashlib.sha256(small_file.read_bytes()).hexdigest()
    gets = [line for line in hub.requests if line.startswith(f"GET /{REPOSITORY}/")]
    assert len(gets) == 3
    assert hub.sent < size + 3 * (1 << 14)


@pytest.mark.usefixtures("small_chunks")
def test_a_transfer_that_was_given_up_leaves_a_usable_cache(
    hub: LoopbackHub, small_file: Path
) -> None:
    hub.cuts[FILE] = [small_file.stat().st_size // 2] + [0] * 20
    assert "did not answer" in fetch().message
    assert HUB.find(REPOSITORY, candidate_files(None), HASHES) is None
    hub.cuts.clear()
    HUB.reset()
    HUB.fetch(REPOSITORY, candidate_files(None), HASHES)


def test_a_truncated_file_is_not_kept(hub: LoopbackHub) -> None:
    """The server lost the end of the file and announces what is left, under the old checksum."""
    whole = hub.files[FILE]
    hub.etags[FILE] = hashlib.sha256(whole).hexdigest()
    hub.files[FILE] = whole[:-1000]
    assert "checksum mismatch" in fetch().message
    assert HUB.find(REPOSITORY, candidate_files(None), HASHES) is None
    hub.files[FILE] = whole
    HUB.reset()
    HUB.fetch(REPOSITORY, candidate_files(None), HASHES)


def test_a_server_that_stalls_is_left(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 0.1)
    # Its patience grows with every byte that arrives, so none may.
    hub.cuts[FILE], hub.stalls[FILE] = [0] * 20, 0.3
    assert "did not answer" in fetch().message
    assert hub.cuts[FILE]  # it was not waited for to the last
    hub.stalls.clear()
    hub.cuts.clear()
    HUB.reset()
    HUB.fetch(REPOSITORY, candidate_files(None), HASHES)


def test_progress_counts_every_byte(hub: LoopbackHub, small_file: Path) -> None:
    moved: list[int] = []

    class Counting(Silent):
        @contextmanager
        def progress(self, label: str, total: int, unit: str = "images") -> Iterator[Advance]:
            assert (label, total, unit) == (REPOSITORY, small_file.stat().st_size, "bytes")
            yield moved.append

    HUB.fetch(REPOSITORY, candidate_files(None), HASHES, Counting())
    assert sum(moved) == small_file.stat().st_size


def test_offline(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    error = fetch()
    assert "HF_HUB_OFFLINE is set" in error.message
    assert "unset HF_HUB_OFFLINE" in error.hint
    assert hub.requests == []


def test_a_cache_that_cannot_be_written(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    error = fetch()
    assert "cannot store" in error.message
    assert "HF_HOME" in error.hint


def test_another_size_than_announced(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> None:
        raise OSError("Consistency check failed: file should be of size 3 but has size 2")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert "another size" in fetch().message


def count_questions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The addresses that the client is sent to from now on."""
    import huggingface_hub

    asked: list[object] = []
    ask = huggingface_hub.get_hf_file_metadata

    def counted(url: str, **options: Any) -> object:
        asked.append(url)
        return ask(url, **options)

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", counted)
    return asked


def test_an_unreachable_hub_is_asked_once(
    point_hub: Callable[[str], None], closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_hub(f"http://user:secret@127.0.0.1:{closed_port}")
    asked = count_questions(monkeypatch)
    first, second = fetch(), fetch("timm/resnet50.a1_in1k")
    assert len(asked) == 1
    assert first.message == second.message
    assert f"127.0.0.1:{closed_port} did not answer" in first.message
    assert "secret" not in first.message
    assert first.hint == WAYS_OUT


def test_a_silent_hub_is_asked_once(
    point_hub: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr("featrank.zoos._hub.ANSWER_TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        point_hub(f"http://127.0.0.1:{silent.getsockname()[1]}")
        asked = count_questions(monkeypatch)
        assert "did not answer" in fetch().message
        assert fetch().message == fetch("timm/another").message
        assert len(asked) == 1


def test_a_server_that_is_no_hub(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopback_hub.COMMIT", None)
    error = fetch()
    assert "not as a model hub does" in error.message
    assert "check HF_ENDPOINT" in error.hint


def test_environment_variables_in_fresh_processes(
    small_file: Path, indexed: Path, tmp_path: Path
) -> None:
    """Downloaded by one process, found offline by the next, missed offline by a third."""
    code = f"""
from pathlib import Path
from typing import Any
from featrank.errors import FeatrankError
from featrank.zoos import resolve_models, zoo_of
from featrank.zoos import Shelf
shelf = Shelf.at(Path({str(indexed)!r}))
(model,) = resolve_models(["test_resnet"], shelf)
try:
    print(zoo_of(model).fetch_weights(model, shelf).fingerprint)
except FeatrankError as error:
    print(error.message)
"""

    def run(**extra: str) -> str:
        environment = {**os.environ, **extra}
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
        )
        return result.stdout.strip()

    sha256 = hashlib.sha256(small_file.read_bytes()).hexdigest()
    with LoopbackHub({FILE: small_file.read_bytes()}) as server:
        environment = server.environment(str(tmp_path / "home"))
        assert run(**environment) == sha256
        asked = len(server.requests)
        assert run(**environment, HF_HUB_OFFLINE="1") == sha256
        environment["HF_HOME"] = str(tmp_path / "empty")
        assert "not in the hub cache" in run(**environment, HF_HUB_OFFLINE="1")
        assert len(server.requests) == asked


def test_the_size_of_a_download_is_asked_for_and_not_fetched(
    hub: LoopbackHub, small_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    assert HUB.size(REPOSITORY, candidate_files(None)) == small_file.stat().st_size
    with pytest.raises(IncompleteError, match="has no timm/nowhere"):
        HUB.size("timm/nowhere", candidate_files(None))
    assert not [line for line in hub.requests if line.startswith("GET") and "resolve" in line]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(IncompleteError, match="offline"):
        HUB.size(REPOSITORY, candidate_files(None))


@pytest.mark.parametrize("etag", ["../../x", "x", "a" * 41, "/tmp/x", "A" * 64])
def test_an_etag_that_is_no_hash_names_no_file(hub: LoopbackHub, etag: str) -> None:
    hub.etags[FILE] = etag
    assert "no hash" in fetch().message
    assert not [request for request in hub.requests if request.startswith("GET")]


def test_a_commit_that_is_no_hash_names_no_folder(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loopback_hub.COMMIT", "../../x")
    assert "no hash" in fetch().message


@pytest.mark.parametrize(
    "name",
    ["timm/x@../../y", "timm/x@", "../x", "timm/x@a/../../b", "timm/x@/etc", "timm/..", "a\nb/c"],
)
def test_names_that_could_lead_out_of_the_cache_are_not_asked_for(
    hub: LoopbackHub, name: str
) -> None:
    for ask in (HUB.fetch, HUB.find):
        with pytest.raises(InputError, match="names no repository"):
            ask(name, candidate_files(None), HASHES)
    assert not hub.requests
