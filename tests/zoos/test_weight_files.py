from __future__ import annotations

import copy
import gzip
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.zoos._state_dicts import read_state_dict
from featrank.zoos._weight_files import is_weight_file, weight_files


@pytest.mark.parametrize(
    "name",
    ["a.pth", "a.PT", "a.bin", "last.ckpt", "model_best.pth.tar", "a.safetensors",
     "model.safetensors.index.json"],
)  # fmt: skip
def test_names_of_weight_files(name: str) -> None:
    assert is_weight_file(name)
    assert not is_weight_file(f"{name}.txt")


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "own.pth"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"own\.pth"):
        read_state_dict(path)


@pytest.mark.parametrize("kind", ["compressed", "overlapping"])
def test_a_zip_bomb(tmp_path: Path, kind: str) -> None:
    import torch

    path = tmp_path / "own.pth"
    torch.save({"a": torch.zeros(1_000_000)}, path)
    if kind == "compressed":
        with zipfile.ZipFile(path) as whole:
            parts = {part.filename: whole.read(part) for part in whole.infolist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as small:
            for name, content in parts.items():
                small.writestr(name, content)
        assert path.stat().st_size < 20_000
    else:  # the directory of an archive lists one part many times
        with zipfile.ZipFile(path, "a") as whole:
            part = max(whole.infolist(), key=lambda part: part.file_size)
            for i in range(5):
                again = copy.copy(part)
                again.filename = f"{part.filename}{i}"
                whole.filelist.append(again)
                whole._didModify = True
    with pytest.raises(InputError, match="is refused: it is compressed"):
        read_state_dict(path)


def test_a_truncated_file(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    torch.save({"a": torch.zeros(100_000)}, tmp_path / "own.pth")
    save_file({"a": torch.zeros(100_000)}, tmp_path / "own.safetensors")
    torch.save({"a": torch.zeros(999)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in ("own.pth", "own.safetensors", "old.pth"):
        content = (tmp_path / name).read_bytes()
        assert read_state_dict(tmp_path / name)
        for share in (0.01, 0.5, 0.999):
            (tmp_path / name).write_bytes(content[: int(len(content) * share)])
            with pytest.raises(InputError, match=name):
                read_state_dict(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git-lfs"),
        (b"<!DOCTYPE html><html>not found</html>", "web page"),
        (gzip.compress(b"x" * 999, mtime=0), "compressed as a whole"),
        (b"", "empty"),
    ],
    ids=["pointer", "page", "gzip", "empty"],
)
def test_what_is_no_file_of_weights_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    for name in ("own.pth", "own.safetensors", "own.ckpt"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=says):
            read_state_dict(tmp_path / name)


def test_a_tar_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "inner.pth").write_bytes(b"x")
    with tarfile.open(tmp_path / "own.pth.tar", "w") as archive:
        archive.add(tmp_path / "inner.pth", "inner.pth")
    with pytest.raises(InputError, match=r"tar archive.*inner\.pth"):
        read_state_dict(tmp_path / "own.pth.tar")


def test_a_program_of_torchscript_is_named(tmp_path: Path) -> None:
    import torch

    network = torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2))
    torch.jit.save(network, str(tmp_path / "own.pt"))
    with pytest.raises(InputError, match="TorchScript"):
        read_state_dict(tmp_path / "own.pt")


def shards(folder: Path) -> Path:
    import torch
    from safetensors.torch import save_file

    for i, name in enumerate("ab"):
        save_file({name: torch.full((2,), float(i))}, folder / f"m-0000{i + 1}.safetensors")
    index = folder / "m.safetensors.index.json"
    places = {name: f"m-0000{i + 1}.safetensors" for i, name in enumerate("ab")}
    index.write_text(json.dumps({"metadata": {"total_size": 16}, "weight_map": places}))
    return index


def test_shards_are_one_state_dict(tmp_path: Path) -> None:
    index = shards(tmp_path)
    assert [file.name for file in weight_files(index)] == [
        "m-00001.safetensors",
        "m-00002.safetensors",
    ]
    assert {name: float(t[0]) for name, t in read_state_dict(index).items()} == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ({"a": "../m-00001.safetensors"}, "lead out"),
        ({"a": "/etc/passwd"}, "lead out"),
        ({"a": "m-00003.safetensors"}, "not beside it"),
        ({"a": "m.safetensors.index.json"}, "no file of weights"),
        ({"a": "notes.txt"}, "no file of weights"),
        ({}, "no 'weight_map'"),
        (["a"], "no 'weight_map'"),
    ],
)
def test_an_index_is_a_claim(tmp_path: Path, places: object, says: str) -> None:
    index = shards(tmp_path)
    index.write_text(json.dumps({"weight_map": places}))
    with pytest.raises(InputError, match=says):
        read_state_dict(index)
