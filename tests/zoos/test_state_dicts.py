from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.zoos.state_dicts import find_misfit, read_state_dict


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


def test_the_first_misfit_in_the_networks_order() -> None:
    import torch

    network = {"a": torch.zeros(1), "b": torch.zeros(2), "b.num_batches_tracked": torch.zeros(())}
    assert find_misfit({"b": torch.zeros(2), "a": torch.zeros(1)}, network) is None
    assert find_misfit({"x": torch.zeros(3)}, network) == "'a' (1,) is missing from the file"
    wrong = find_misfit({"a": torch.zeros(1), "b": torch.zeros(3)}, network)
    assert wrong == "'b' is (3,) in the file and (2,) in the network"
