"""JPEG files as large as photographs, of noise and shapes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIZE = (500, 375)
N_CLASSES = 4


def write_pictures(folder: Path, n_images: int, n_distinct: int) -> Path:
    """Write images into four class folders.

    Drawing takes longer than writing, so pictures are repeated; a comment in each keeps the files,
    and their hashes, different.

    Args:
        folder: Where to.
        n_images: How many files.
        n_distinct: How many pictures.
    """
    rng = np.random.default_rng(0)
    drawn = [_jpeg(rng, number % N_CLASSES) for number in range(n_distinct)]
    for label in range(N_CLASSES):
        (folder / f"class{label}").mkdir(parents=True, exist_ok=True)
    for number in range(n_images):
        label = number % n_distinct % N_CLASSES
        path = folder / f"class{label}" / f"{number:05d}.jpg"
        path.write_bytes(_commented(drawn[number % n_distinct], f"{number:05d}".encode()))
    return folder


def _jpeg(rng: np.random.Generator, label: int) -> bytes:
    width, height = SIZE
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y, side = rng.integers(0, width), rng.integers(0, height), rng.integers(20, 120)
        colour = tuple(map(int, rng.integers(0, 256, 3)))
        box = (int(x), int(y), int(x + side), int(y + side))
        (draw.ellipse if label % 2 else draw.rectangle)(box, fill=colour)
    grain = rng.normal(0, 4 + 6 * (label // 2), (height, width, 3))
    noisy = np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noisy).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _commented(jpeg: bytes, text: bytes) -> bytes:
    """With a comment segment after the start of the image."""
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]
