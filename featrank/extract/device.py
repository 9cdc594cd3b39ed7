"""Which device runs the forward pass."""

from __future__ import annotations

import torch

from featrank.errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str) -> torch.device:
    """The device that ``--device`` means: ``auto`` takes a GPU where there is one.

    Raises:
        InputError: The wanted device is not there.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}
    if wanted == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if available[name]))
    if not available.get(wanted, False):
        there = ", ".join(name for name, here in available.items() if here)
        raise InputError(f"device '{wanted}' is not available", f"here: {there}; or --device auto")
    return torch.device(wanted)


def device_name(device: torch.device) -> str:
    """The device in words, for the record."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _has_mps() -> bool:
    return bool(torch.backends.mps.is_available())
