"""Decode and transform images in worker processes, in the target's order."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from featrank.records import Preprocessing, Skipped
from featrank.targets.decode import MAX_PIXELS
from featrank.targets.target import Sample, UnreadableImage

Span = tuple[int, int]
Transform = Callable[[Image.Image], torch.Tensor]

_MAX_WORKERS = 16


def default_workers() -> int:
    """As many decoders as there are processors for us."""
    # What the scheduler grants us may be less than the machine has.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, _MAX_WORKERS)


def create_transform(preprocessing: Preprocessing) -> Transform:
    """timm's own evaluation transform."""
    from timm.data.transforms_factory import create_transform as create

    transform: Transform = create(**preprocessing.to_config(), is_training=False)
    return transform


def refuse_elongated(size: tuple[int, int], preprocessing: Preprocessing) -> None:
    """Refuse a strip that would be blown up to more pixels than any image may have.

    Args:
        size: Width and height of the image.
        preprocessing: The model's own, which brings the shorter side to its size.

    Raises:
        UnreadableImage: It is too long for its width.
    """
    if preprocessing.crop_mode == "squash":
        return
    shorter, longer = sorted(size)
    target = max(preprocessing.input_size[1:]) / preprocessing.crop_pct
    if target * target * longer / shorter > MAX_PIXELS:
        raise UnreadableImage(f"too elongated: {size[0]} × {size[1]} pixels")


@dataclass(frozen=True, slots=True)
class ImageBatch:
    """Transformed images of one batch.

    Attributes:
        rows: Their rows in the target.
        pixels: ``(len(rows), 3, height, width)`` float32.
        skipped: The images of the batch that could not be decoded.
    """

    rows: list[int]
    pixels: torch.Tensor | None
    skipped: list[Skipped]


class _Images(Dataset[tuple[int, torch.Tensor | Skipped]]):
    def __init__(
        self,
        samples: Sequence[Sample],
        read: Callable[[Sample], Image.Image],
        preprocessing: Preprocessing,
    ) -> None:
        self._samples = samples
        self._read = read
        self._preprocessing = preprocessing
        self._transform = create_transform(preprocessing)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, row: int) -> tuple[int, torch.Tensor | Skipped]:
        sample = self._samples[row]
        try:
            image = self._read(sample)
            refuse_elongated(image.size, self._preprocessing)
            return row, self._transform(image)
        except UnreadableImage as error:
            return row, Skipped(sample.path, str(error))


def _collate(items: Sequence[tuple[int, torch.Tensor | Skipped]]) -> ImageBatch:
    good = [(row, item) for row, item in items if isinstance(item, torch.Tensor)]
    return ImageBatch(
        rows=[row for row, _ in good],
        pixels=torch.stack([pixels for _, pixels in good]) if good else None,
        skipped=[item for _, item in items if isinstance(item, Skipped)],
    )


def _start_worker(_: int) -> None:
    # Ctrl-C and SIGTERM reach the whole group but are the main process's to handle; it ends its
    # workers itself. A worker that died of them would look like a failure of the model.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # A thread that still hands over images when the main process ends loses its connection; what
    # fails in the worker itself is raised in the main process.
    sys.excepthook = lambda *_: None


def load_batches(
    samples: Sequence[Sample],
    read: Callable[[Sample], Image.Image],
    preprocessing: Preprocessing,
    batches: Sequence[list[int]],
    workers: int,
    *,
    pin_memory: bool,
) -> Iterator[ImageBatch]:
    """Batches of transformed images.

    Args:
        samples: The target's samples.
        read: From a sample to an RGB image.
        preprocessing: The model's own.
        batches: The rows of each batch.
        workers: Worker processes; 0 decodes in this one.
        pin_memory: For faster copies to a GPU.
    """
    loader: DataLoader[Any] = DataLoader(
        _Images(samples, read, preprocessing),
        batch_sampler=batches,
        num_workers=min(workers, len(batches)),
        collate_fn=_collate,
        worker_init_fn=_start_worker,
        pin_memory=pin_memory,
    )
    yield from loader
