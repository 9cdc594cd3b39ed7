"""float32 that is float32: without TF32, for as long as a pass runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def _settings() -> tuple[Any, ...]:
    # What each operation reads last, whichever of PyTorch's two ways the host program set it in.
    backends: Any = torch.backends
    return (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)


@contextmanager
def full_float32() -> Iterator[None]:
    """While the block runs, matrix products and convolutions of a GPU keep float32's mantissa.

    TF32 keeps 10 bits of it: enough to swap neighbours in a ranking. Afterwards each operation has
    the precision it had before. PyTorch refuses to answer by its older names (``allow_tf32``)
    inside the block, where they would not tell the truth.
    """
    before = [setting.fp32_precision for setting in _settings()]
    try:
        for setting in _settings():
            setting.fp32_precision = "ieee"
        yield
    finally:
        for setting, value in zip(_settings(), before, strict=True):
            setting.fp32_precision = value
