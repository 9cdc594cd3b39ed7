"""Errors of devices that no test can have really: their texts are PyTorch's own."""

import gc
import weakref

import pytest
import torch
from torch import nn

from featrank.errors import DeviceLostError, FeatrankError, IncompleteError, forget_frames
from featrank.extract.device_faults import device_faults, is_device_lost, is_out_of_memory
from featrank.extract.forward import Backbone
from featrank.records import LayerRef, Preprocessing

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB, max allowed: 9 GB)."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory"
    ),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    torch.AcceleratorError("CUDA error: out of memory"),
    MemoryError(),
]
LOST = torch.AcceleratorError("CUDA error: an illegal memory access was encountered\nSearch for it")


def told(error: Exception, device: torch.device, n_images: int, precision: str) -> FeatrankError:
    with pytest.raises(FeatrankError) as caught, device_faults(device, n_images, precision):
        raise error
    return caught.value


@pytest.mark.parametrize("error", FULL, ids=lambda error: str(error)[:30])
def test_too_little_memory_is_known_by_all_its_names(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_device_lost(error)
    assert isinstance(told(error, CUDA, 8, "float32"), IncompleteError)


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("shape mismatch")])
def test_other_errors_are_left_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, device_faults(CPU, 1, "float32"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("device", "n_images", "precision", "hint"),
    [
        (CUDA, 9, "float32", "try --batch-size 4"),
        (CUDA, 1, "float32", "try --precision bfloat16, a smaller model, or --device cpu"),
        (CUDA, 0, "bfloat16", "try a smaller model, or --device cpu"),
        (CPU, 1, "bfloat16", "try a smaller model, or a larger machine"),
    ],
)
def test_the_advice_takes_less(
    device: torch.device, n_images: int, precision: str, hint: str
) -> None:
    assert told(FULL[0], device, n_images, precision).hint == hint


def test_the_machines_own_memory_is_told_from_the_gpus() -> None:
    assert "on cuda" in told(FULL[0], CUDA, 8, "float32").message
    assert "on cpu" in told(FULL[2], CUDA, 8, "float32").message


def test_a_lost_device_is_no_models_fault() -> None:
    error = told(LOST, CUDA, 8, "float32")
    assert isinstance(error, DeviceLostError)
    assert not isinstance(error, IncompleteError)
    assert error.exit_code == 3
    assert error.message.endswith("an illegal memory access was encountered")
    assert "is kept" in error.hint


class Full(nn.Module):
    """Stands where a step of the pass runs out of memory."""

    def forward(self, *_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("too much")


@pytest.mark.parametrize("step", ["to", "isfinite", "cpu"])
def test_every_step_on_the_device_is_watched(
    network: nn.Module,
    preprocessing: Preprocessing,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    backbone = Backbone(network, preprocessing, CPU, "float32")
    monkeypatch.setattr(torch.Tensor, step, Full())
    with pytest.raises(IncompleteError, match="batch of 4") as caught:
        backbone.forward(torch.zeros(4, *preprocessing.input_size))
    assert "--batch-size 2" in caught.value.hint


def test_moving_the_network_is_watched(
    network: nn.Module, preprocessing: Preprocessing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.Module, "to", Full())
    with pytest.raises(IncompleteError, match="the network alone") as caught:
        Backbone(network, preprocessing, CPU, "float32")
    assert "batch" not in caught.value.hint


@pytest.mark.parametrize("layers", [[LayerRef()], [LayerRef("layer2.0"), LayerRef()]])
@pytest.mark.parametrize("fails", [False, True])
def test_a_network_goes_with_its_last_user(
    preprocessing: Preprocessing,
    layers: list[LayerRef],
    fails: bool,
) -> None:
    """Without the collector of cycles, which does not know that a GPU is full."""
    import timm

    made = timm.create_model("test_resnet", pretrained=False).eval()
    gc.collect()
    gc.disable()
    try:
        backbone = Backbone(made, preprocessing, CPU, "float32", layers)
        last = made.get_submodule("layer4")
        gone = [weakref.ref(made), weakref.ref(last), weakref.ref(backbone)]
        gone += [weakref.ref(parameter) for parameter in made.parameters()]
        inner = backbone._network._network
        gone.append(weakref.ref(inner))
        if fails:
            inner.get_submodule("layer4")[0].conv1 = Full()
        kept: list[FeatrankError] = []
        try:
            backbone.forward(torch.zeros(2, *preprocessing.input_size))
        except IncompleteError as error:
            forget_frames(error)
            kept.append(error)
        assert len(kept) == fails
        del backbone, made, last, inner
        assert [reference for reference in gone if reference() is not None] == []
    finally:
        gc.enable()
