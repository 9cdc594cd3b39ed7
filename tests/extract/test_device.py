from types import SimpleNamespace

import pytest
import torch

from featrank.errors import InputError
from featrank.extract.device import choose_device, device_name, memory_format


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """What PyTorch says on a machine with two cards."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA X1")


def test_auto_takes_a_gpu_where_there_is_one() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        expected = "mps"
    assert choose_device("auto").type == expected


def test_cpu_is_always_there() -> None:
    assert device_name(choose_device("cpu")) == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
@pytest.mark.parametrize("wanted", ["cuda", "cuda:0"])
def test_a_device_that_is_not_there_is_named(wanted: str) -> None:
    with pytest.raises(InputError, match=f"'{wanted}' is not available") as caught:
        choose_device(wanted)
    assert "cpu" in caught.value.hint


@pytest.mark.usefixtures("two_gpus")
def test_one_of_several_gpus_is_chosen_and_named_by_number() -> None:
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert device_name(choose_device("cuda:1")) == "NVIDIA X1 (cuda:1)"
    assert device_name(choose_device("cuda")) == "NVIDIA X1"
    with pytest.raises(InputError, match="'cuda:2' is not available") as caught:
        choose_device("cuda:2")
    assert caught.value.hint == "here: cuda:0, cuda:1"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("cpu", torch.channels_last),
        ("cuda", torch.channels_last),
        ("mps", torch.contiguous_format),
    ],
)
def test_channels_come_last_but_on_mps(kind: str, expected: torch.memory_format) -> None:
    device = SimpleNamespace(type=kind)
    assert memory_format(device) is expected  # type: ignore[arg-type]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_the_gpu_has_a_name() -> None:
    assert device_name(choose_device("cuda")) == torch.cuda.get_device_name(0)
