import pytest
import torch

from featrank.errors import InputError
from featrank.extract.device import choose_device, device_name


def test_auto_takes_a_gpu_where_there_is_one() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        expected = "mps"
    assert choose_device("auto").type == expected


def test_cpu_is_always_there() -> None:
    assert device_name(choose_device("cpu")) == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="'cuda' is not available") as caught:
        choose_device("cuda")
    assert "cpu" in caught.value.hint


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_the_gpu_has_a_name() -> None:
    assert device_name(choose_device("cuda")) == torch.cuda.get_device_name(0)
