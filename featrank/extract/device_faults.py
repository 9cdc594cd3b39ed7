"""What a device's own errors mean: too little memory, or a device that is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from featrank.errors import DeviceLostError, IncompleteError

# PyTorch has a class for a GPU whose own allocator gives up; the rest says it in words: MPS, the
# CPU, pinned memory, and the libraries that take memory for themselves.
_FULL = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cannot allocate memory",
    "alloc_failed",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, or this machine, has too little memory."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _FULL)


def _is_host(error: BaseException) -> bool:
    """Whether it is the machine's memory, not a GPU's, that is too small."""
    return isinstance(error, MemoryError) or "allocate memory" in str(error).lower()


def is_device_lost(error: BaseException) -> bool:
    """Whether an error stays with the process: each later use of the device fails with it too."""
    return isinstance(error, torch.AcceleratorError) and not is_out_of_memory(error)


@contextmanager
def device_faults(device: torch.device, n_images: int, precision: str) -> Iterator[None]:
    """Say in our words what goes wrong with a device while the block runs.

    Args:
        device: Where it runs.
        n_images: Images taken together; 0 where only a network is moved.
        precision: The run's; bfloat16 takes less.

    Raises:
        IncompleteError: Out of memory.
        DeviceLostError: The device can no longer be used by this process.
    """
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            # Decoders and pinned memory take of the machine's own, whatever the device.
            full = "cpu" if _is_host(error) else device
            at = f" at a batch of {n_images}" if n_images else " with the network alone"
            raise IncompleteError(
                f"out of memory on {full}{at}", _less(device, n_images, precision)
            ) from error
        if is_device_lost(error):
            line = next(iter(str(error).splitlines()), "")
            raise DeviceLostError(
                f"{device} failed and stays so for this process: {line}",
                "what is finished is kept: run it again; if it fails again, leave out the model"
                " named last, or take another --device",
            ) from error
        raise


def _less(device: torch.device, n_images: int, precision: str) -> str:
    if n_images > 1:
        return f"try --batch-size {n_images // 2}"
    other = "a larger machine" if device.type == "cpu" else "--device cpu"
    spare = "--precision bfloat16, " if precision != "bfloat16" else ""
    return f"try {spare}a smaller model, or {other}"


def empty_cache() -> None:
    """Hand back the memory of a GPU that nothing uses any more; nothing where none was used.

    Raises:
        DeviceLostError: Asked for this, the device turns out to be lost.
    """
    with device_faults(torch.device("cuda"), 0, "float32"):
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
