"""Whichever way the host program chose, the pass runs without TF32 and the choice comes back."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from featrank.extract.forward import Backbone
from featrank.extract.full_precision import full_float32
from featrank.records import Preprocessing

BACKENDS: Any = torch.backends
OPERATIONS = (BACKENDS.cuda.matmul, BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn)


def precisions() -> list[str]:
    return [operation.fp32_precision for operation in OPERATIONS]


def by_the_old_names() -> None:
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True


def by_the_new_name() -> None:
    BACKENDS.fp32_precision = "tf32"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    whole, before = BACKENDS.fp32_precision, precisions()
    yield
    BACKENDS.fp32_precision = whole
    for operation, value in zip(OPERATIONS, before, strict=True):
        operation.fp32_precision = value


@pytest.mark.parametrize("choose", [by_the_old_names, by_the_new_name])
def test_tf32_is_off_inside_and_the_hosts_choice_is_back_after(choose: Any) -> None:
    choose()
    assert precisions() == ["tf32"] * 3
    inside: list[str] = []

    def fail() -> None:
        with full_float32():
            inside.extend(precisions())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert inside == ["ieee"] * 3
    assert precisions() == ["tf32"] * 3
    # By the older name too, which PyTorch may refuse to answer inside.
    assert torch.backends.cudnn.allow_tf32


def test_a_backbone_runs_so_and_leaves_the_choice(
    network: nn.Module, preprocessing: Preprocessing
) -> None:
    by_the_old_names()
    seen: list[list[str]] = []
    network.register_forward_pre_hook(lambda *_: seen.append(precisions()))
    next(network.children()).register_forward_pre_hook(lambda *_: seen.append(precisions()))
    backbone = Backbone(network, preprocessing, torch.device("cpu"), "float32")
    seen.clear()
    backbone.forward(torch.zeros(2, *preprocessing.input_size))
    assert seen == [["ieee"] * 3]
    assert precisions() == ["tf32"] * 3
