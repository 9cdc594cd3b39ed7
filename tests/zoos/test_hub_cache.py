"""Names and links of the hub's cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

from featrank.errors import IncompleteError, InputError
from featrank.storage.file_hashes import FileHashes
from featrank.zoos._hub import HUB, candidate_files
from featrank.zoos._hub_cache import cached_file, check_file_name, is_in_hub_cache, split_hub_id

REPOSITORY = "timm/test_resnet.r160_in1k"
FOLDER = f"models--{REPOSITORY.replace('/', '--')}"
FILES = candidate_files(None)
HASHES = FileHashes()


def cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def listing(folder: Path) -> list[tuple[str, bytes]]:
    return sorted((path.name, path.read_bytes()) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "own.txt").write_text("mine")
    return folder


def test_what_a_repository_is_called() -> None:
    assert split_hub_id("timm/x") == ("timm/x", None)
    assert split_hub_id("gpt2") == ("gpt2", None)
    assert split_hub_id("timm/x@refs/pr/1") == ("timm/x", "refs/pr/1")


@pytest.mark.parametrize("name", ["../x.bin", "/x.bin", "a//b", "", ".", "a/../b", 3, "a\0b"])
def test_file_names_that_could_lead_out(name: object) -> None:
    with pytest.raises(InputError, match="lead out"):
        check_file_name(name, "config.json")  # type: ignore[arg-type]
    assert check_file_name("sub/model.safetensors", "config.json")


@pytest.mark.parametrize("part", ["", "blobs", "refs", "snapshots", "refs/main", "../.locks"])
def test_nothing_is_downloaded_through_a_link(hub: LoopbackHub, elsewhere: Path, part: str) -> None:
    before = listing(elsewhere)
    place = cache() / ".locks" / FOLDER if part == "../.locks" else cache() / FOLDER / part
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere / "own.txt" if part == "refs/main" else elsewhere)
    with pytest.raises(IncompleteError, match="leads out") as caught:
        HUB.fetch(REPOSITORY, FILES, HASHES)
    assert "HF_HUB_CACHE" in caught.value.hint
    assert listing(elsewhere) == before
    assert not hub.requests


def test_a_file_behind_a_link_that_leads_out_is_not_read_or_removed(
    hub: LoopbackHub, elsewhere: Path
) -> None:
    path = HUB.fetch(REPOSITORY, FILES, HASHES).path
    assert path is not None
    path.unlink()
    path.symlink_to(elsewhere / "own.txt")
    with pytest.raises(IncompleteError, match="leads out"):
        HUB.find(REPOSITORY, FILES, HASHES)
    assert is_in_hub_cache(REPOSITORY, FILES)
    assert (elsewhere / "own.txt").read_text() == "mine"


def test_a_repository_that_is_kept_elsewhere_is_read(hub: LoopbackHub, tmp_path: Path) -> None:
    kept = HUB.fetch(REPOSITORY, FILES, HASHES)
    (cache() / FOLDER).rename(tmp_path / "moved")
    (cache() / FOLDER).symlink_to(tmp_path / "moved")
    found = HUB.find(REPOSITORY, FILES, HASHES)
    assert found is not None
    assert found.fingerprint == kept.fingerprint


@pytest.mark.parametrize(
    ("change", "there"),
    [
        ("none", True),
        ("a line end in the ref", True),
        ("no ref, one snapshot", True),
        ("no ref, several snapshots", False),
        ("a ref to another snapshot", False),
        ("a damaged ref", False),
        ("the blob is gone", False),
        ("no snapshot", False),
    ],
)
def test_listing_and_loading_agree_on_what_is_there(
    hub: LoopbackHub, change: str, there: bool
) -> None:
    path = HUB.fetch(REPOSITORY, FILES, HASHES).path
    assert path is not None
    folder = cache() / FOLDER
    ref = folder / "refs" / "main"
    (snapshot,) = (folder / "snapshots").iterdir()
    (linked,) = snapshot.iterdir()
    other = folder / "snapshots" / ("0" * 40)
    if change == "a line end in the ref":
        ref.write_text(f"{ref.read_text()}\r\n")
    if change.startswith("no ref"):
        ref.unlink()
    if change == "no ref, several snapshots":
        other.mkdir()
        (other / linked.name).write_bytes(linked.read_bytes())
    if change == "a ref to another snapshot":
        ref.write_text("0" * 40)
    if change == "a damaged ref":
        ref.write_text("../../elsewhere")
    if change == "the blob is gone":
        linked.resolve().unlink()
    if change == "no snapshot":
        linked.unlink()
    assert (HUB.find(REPOSITORY, FILES, HASHES) is not None) == there
    assert is_in_hub_cache(REPOSITORY, FILES) == there


def test_a_revision_by_its_name(hub: LoopbackHub) -> None:
    HUB.fetch(REPOSITORY, FILES, HASHES)
    (snapshot,) = (cache() / FOLDER / "snapshots").iterdir()
    name = next(snapshot.iterdir()).name
    assert cached_file(REPOSITORY, snapshot.name, name) == snapshot / name
    assert cached_file(REPOSITORY, "1" * 40, name) is None
