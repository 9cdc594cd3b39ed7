"""Which device runs the forward pass."""

from __future__ import annotations

import torch

from featrank.errors import InputError


def choose_device(wanted: str) -> torch.device:
    """The device that ``--device`` means: ``auto`` takes a GPU where there is one.

    Args:
        wanted: auto, cpu, cuda, cuda:N for the N-th GPU counted from 0, or mps.

    Raises:
        InputError: The wanted device is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": _has_mps(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, here in available.items() if here))
    kind, _, index = wanted.partition(":")
    if not available.get(kind, False):
        there = ", ".join(name for name, here in available.items() if here)
        raise InputError(f"device '{wanted}' is not available", f"here: {there}; or --device auto")
    if index and int(index) >= torch.cuda.device_count():
        names = ", ".join(f"cuda:{i}" for i in range(torch.cuda.device_count()))
        raise InputError(f"device '{wanted}' is not available", f"here: {names}")
    return torch.device(wanted)


def device_name(device: torch.device) -> str:
    """The device in words, for the record; with its number where one was named."""
    if device.type != "cuda":
        return device.type
    number = "" if device.index is None else f" ({device})"
    return torch.cuda.get_device_name(device) + number


def memory_format(device: torch.device) -> torch.memory_format:
    """How maps lie in memory: channels last, where convolutions are as right and faster.

    On MPS a convolution of a slice of such channels was silently wrong (pytorch#180992).
    """
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def _has_mps() -> bool:
    return bool(torch.backends.mps.is_available())
