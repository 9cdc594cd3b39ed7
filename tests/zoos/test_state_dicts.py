from __future__ import annotations

import copy
import zipfile
from pathlib import Path
from typing import Any

import pytest

from featrank.errors import InputError
from featrank.zoos._state_dicts import Misfit, compare, read_state_dict


def test_prefixes_come_off_in_any_order(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "own.pt"
    torch.save({"module._orig_mod.backbone.fc.weight": torch.ones(2), "bias": torch.ones(1)}, path)
    assert list(read_state_dict(path)) == ["fc.weight", "bias"]


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "own.pth"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"own\.pth"):
        read_state_dict(path)


def test_what_differs() -> None:
    import torch

    network = {
        "a.b": torch.zeros(1),
        "fc.b": torch.zeros(2),
        "fc.num_batches_tracked": torch.ones(()),
    }
    assert not compare({"fc.b": torch.zeros(2), "a.b": torch.zeros(1)}, network)
    misfit = compare({"x": torch.zeros(3), "fc.b": torch.zeros(3)}, network)
    assert misfit.document == {
        "missing": ["a.b"], "unexpected": ["x"], "reshaped": ["fc.b: (3,) for (2,)"],
    }  # fmt: skip
    assert str(misfit) == "1 missing: a.b; 1 unexpected: x; 1 reshaped: fc.b: (3,) for (2,)"
    assert misfit.beyond(["fc"]) == Misfit(("a.b",), ("x",))
    assert not Misfit(("fc.w",), ("fc.q", "classifier.w"), ("fc.b: (3,) for (2,)",)).beyond(["fc"])
    assert Misfit(("fc2.w",)).beyond(["fc"])


def test_a_long_list_is_cut_in_the_message_only() -> None:
    misfit = Misfit(tuple(f"t{i}" for i in range(9)))
    assert str(misfit) == "9 missing: t0, t1, t2 and 6 more"
    assert len(misfit.document["missing"]) == 9


def test_nested_wrappers(tmp_path: Path) -> None:
    import torch

    torch.save({"state_dict": {"model": {"module.a": torch.ones(1)}}}, tmp_path / "own.pth")
    assert list(read_state_dict(tmp_path / "own.pth")) == ["a"]


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


@pytest.mark.parametrize("keys", [("model",), ("state_dict", "model")])
def test_a_state_dict_that_contains_itself_is_refused(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    import torch

    outer: dict[str, Any] = {}
    here = outer
    for key in keys[:-1]:
        here[key] = {}
        here = here[key]
    here[keys[-1]] = outer
    torch.save(outer, tmp_path / "circle.pth")
    with pytest.raises(InputError, match="contains itself"):
        read_state_dict(tmp_path / "circle.pth")
