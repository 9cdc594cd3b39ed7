"""Decode and transform images in worker processes, in the target's order."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence

import torch
from PIL import Image

from featrank.extract.decoders import Decoders, ImageBatch
from featrank.records import Preprocessing, Skipped
from featrank.targets import MAX_PIXELS, Sample, UnreadableImage

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


class _Decoding:
    """Makes batches; can be sent to a decoder."""

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

    def __call__(self, rows: Sequence[int]) -> ImageBatch:
        good: list[int] = []
        pixels: list[torch.Tensor] = []
        skipped: list[Skipped] = []
        for row in rows:
            sample = self._samples[row]
            try:
                image = self._read(sample)
                refuse_elongated(image.size, self._preprocessing)
                if self._preprocessing.input_size[0] == 1:
                    image = image.convert("L")
                pixels.append(self._transform(image))
                good.append(row)
            except UnreadableImage as error:
                skipped.append(Skipped(sample.path, str(error)))
        return ImageBatch(good, torch.stack(pixels) if pixels else None, skipped)


def load_batches(
    samples: Sequence[Sample],
    read: Callable[[Sample], Image.Image],
    preprocessing: Preprocessing,
    batches: Sequence[list[int]],
    workers: int,
    *,
    pin_memory: bool,
) -> Generator[ImageBatch, None, None]:
    """Batches of transformed images; close it, and no decoder is left.

    Args:
        samples: The target's samples.
        read: From a sample to an RGB image.
        preprocessing: The model's own.
        batches: The rows of each batch.
        workers: Worker processes; 0 decodes in this one.
        pin_memory: For faster copies to a GPU.

    Raises:
        IncompleteError: An image is out of reach, or a decoder was killed.
    """
    decode = _Decoding(samples, read, preprocessing)
    if not workers:
        yield from map(decode, batches)
        return
    with Decoders(decode, batches, min(workers, len(batches)), pin_memory=pin_memory) as decoded:
        yield from decoded
