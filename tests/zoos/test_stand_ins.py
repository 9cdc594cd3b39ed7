"""What lies beside the tensors of a file: read without its code, or refused by name."""

from __future__ import annotations

import argparse
import builtins
import enum
import os
import pathlib
import subprocess
import sys
import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from featrank.errors import InputError
from featrank.zoos._state_dicts import read_state_dict


class Phase(enum.Enum):
    TRAIN = 1


class HistoryBuffer:
    """A class that is not there where the file is read, with arrays inside."""

    def __init__(self) -> None:
        import numpy as np

        self.history = np.arange(3.0)


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Makes an object of a class in a package; the package is gone when the test reads it."""
    module = types.ModuleType("somebody.elses")
    kind = type("ListConfig", (), {"__module__": "somebody.elses"})
    module.ListConfig = kind  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "somebody", types.ModuleType("somebody"))
    monkeypatch.setitem(sys.modules, "somebody.elses", module)
    made = kind()
    made.__dict__["content"] = [1, 2]
    return lambda: made


def beside() -> dict[str, Any]:
    import numpy as np
    import torch

    return {
        "numpy scalar": np.float64(81.5),
        "numpy integer": np.int64(3),
        "array": np.arange(4),
        "path": pathlib.PurePosixPath("/data/run"),
        "namespace": argparse.Namespace(lr=0.1, model="test_resnet"),
        "enum": Phase.TRAIN,
        "ordered": OrderedDict(a=1),
        "default": defaultdict(list, a=[1]),
        "class": HistoryBuffer(),
        "set": {1, 2},
        "complex": 1j,
        "generator": torch.Generator().get_state(),
        "dtype": torch.float16,
        "size": torch.Size([1, 2]),
        "device": torch.device("cpu"),
    }


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", list(beside()))
def test_what_lies_beside_the_tensors_does_no_harm(tmp_path: Path, name: str, legacy: bool) -> None:
    import torch

    content = {"state_dict": {"a": torch.ones(2)}, "extra": beside()[name]}
    torch.save(content, tmp_path / "own.pth", _use_new_zipfile_serialization=not legacy)
    assert list(read_state_dict(tmp_path / "own.pth")) == ["a"]


def test_a_class_that_is_not_there(
    tmp_path: Path, gone: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    torch.save({"state_dict": {"a": torch.ones(2)}, "config": gone()}, tmp_path / "own.pth")
    monkeypatch.delitem(sys.modules, "somebody.elses")
    monkeypatch.delitem(sys.modules, "somebody")
    assert list(read_state_dict(tmp_path / "own.pth")) == ["a"]
    assert "somebody" not in sys.modules


class Runs:
    """A pickle that calls something where it is read by Python's own rules."""

    def __init__(self, call: Callable[..., object], *given: object) -> None:
        self.call, self.given = call, given

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.given


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("call", "named"),
    [
        (os.mkdir, "mkdir"),
        (os.system, "system"),
        (subprocess.check_output, "check_output"),
        (builtins.eval, "eval"),
        (builtins.exec, "exec"),
        (builtins.getattr, "getattr"),
        (__import__, "__import__"),
    ],
)
def test_code_is_not_run_and_named(
    tmp_path: Path, call: Callable[..., object], named: str, legacy: bool
) -> None:
    import torch

    trace = tmp_path / "ran"
    given = {"mkdir": (str(trace),), "system": (f"touch {trace}",)}.get(
        named, (f"__import__('os').mkdir({str(trace)!r})",)
    )
    content = {"state_dict": {"a": torch.ones(2)}, "bomb": Runs(call, *given)}
    path = tmp_path / "own.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(InputError, match=f"is refused.*{named}"):
        read_state_dict(path)
    assert not trace.exists()


@pytest.mark.parametrize("legacy", [False, True])
def test_a_changed_file_is_read_or_refused(tmp_path: Path, legacy: bool) -> None:
    """Whatever torch makes of it, and in a moment."""
    import random

    import torch

    path = tmp_path / "own.pth"
    content = {"state_dict": {f"a.{i}": torch.ones(3) for i in range(5)}, **beside()}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    whole, chance = path.read_bytes(), random.Random(5)
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(chance.choice((1, 2, 8))):
            changed[chance.randrange(len(whole) if legacy else 2000)] = chance.randrange(256)
        path.write_bytes(changed)
        # Anything but a refusal is a fault.
        with suppress(InputError):
            read_state_dict(path)
