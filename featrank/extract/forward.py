"""The forward loop."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from featrank.errors import IncompleteError
from featrank.extract.device import memory_format
from featrank.extract.device_faults import device_faults
from featrank.extract.full_precision import full_float32
from featrank.extract.hooks import TappedNetwork
from featrank.extract.images import load_batches
from featrank.records import FloatArray, LayerRef, Preprocessing, Skipped
from featrank.targets import Target

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FeatureBatch:
    """Features of one batch.

    Attributes:
        span: The stretch of rows that the batch belongs to.
        rows: Rows of the target that have features here.
        features: For each layer ``(len(rows), n_features)`` float32.
        skipped: The images that could not be decoded.
        last: Whether the span ends here.
    """

    span: Span
    rows: list[int]
    features: Mapping[LayerRef, FloatArray]
    skipped: list[Skipped]
    last: bool


class Backbone:
    """A network ready for the forward pass.

    Args:
        network: A timm network in eval mode.
        preprocessing: How images become its input.
        device: Where it runs.
        precision: "float32", without TF32, or "bfloat16" autocast.
        layers: Whose features are taken.

    Raises:
        InputError: The network has no such layer, or it cannot be pooled so.
        IncompleteError: Out of memory, or features that are not finite.
        DeviceLostError: The device can no longer be used.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        device: torch.device,
        precision: str,
        layers: Sequence[LayerRef] = (LayerRef(),),
    ) -> None:
        self.preprocessing = preprocessing
        self.device = device
        self.n_params = sum(parameter.numel() for parameter in network.parameters())
        self.precision = precision
        with device_faults(device, 0, precision):
            network = network.to(device).to(memory_format=memory_format(device))
            self._network = TappedNetwork(network, preprocessing.input_size, layers)
        probe = self.forward(torch.zeros(1, *preprocessing.input_size))
        self._widths = {layer: values.shape[1] for layer, values in probe.items()}

    @torch.inference_mode()
    def forward(self, pixels: torch.Tensor) -> dict[LayerRef, FloatArray]:
        """Features of a batch of images ``(n, 3, height, width)``, for each layer.

        Returns:
            For each layer ``(n, n_features)`` float32.

        Raises:
            IncompleteError: Out of memory, or features that are not finite.
            DeviceLostError: The device can no longer be used.
        """
        with device_faults(self.device, len(pixels), self.precision):
            return self._forward(pixels)

    def _forward(self, pixels: torch.Tensor) -> dict[LayerRef, FloatArray]:
        pixels = pixels.to(self.device, non_blocking=True, memory_format=memory_format(self.device))
        half = self.precision == "bfloat16"
        with full_float32(), torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            features = self._network(pixels)
        # One answer for all layers: each would make a GPU wait.
        if not torch.stack([values.isfinite().all() for values in features.values()]).all():
            raise IncompleteError("the network gave NaN or infinity", "try --precision float32")
        return {layer: values.cpu().numpy() for layer, values in features.items()}

    def empty(self) -> dict[LayerRef, FloatArray]:
        """Features of no image."""
        return {layer: np.empty((0, width), np.float32) for layer, width in self._widths.items()}


@dataclass(frozen=True, slots=True)
class _Step:
    span: Span
    rows: list[int]
    last: bool


def _steps(spans: Sequence[Span], batch_size: int) -> list[_Step]:
    """Batches that start anew with every span, so that a resumed run makes the same ones."""
    steps = []
    for start, stop in spans:
        for first in range(start, stop, batch_size):
            rows = list(range(first, min(first + batch_size, stop)))
            steps.append(_Step((start, stop), rows, last=rows[-1] == stop - 1))
    return steps


def extract_features(
    backbone: Backbone,
    target: Target,
    spans: Sequence[Span],
    batch_size: int,
    workers: int,
) -> Generator[FeatureBatch, None, None]:
    """Forward the images of some stretches of a target, once.

    Args:
        backbone: The network.
        target: The images.
        spans: The stretches of rows that are wanted.
        batch_size: Images a forward pass, at least 1.
        workers: Processes that decode.

    Raises:
        IncompleteError: The forward pass failed, an image is out of reach, or a decoder was killed.
        DeviceLostError: The device can no longer be used.
    """
    steps = _steps(spans, batch_size)
    target.prepare([target.samples[row] for step in steps for row in step.rows])
    images = load_batches(
        target.samples,
        target.read,
        backbone.preprocessing,
        [step.rows for step in steps],
        workers,
        pin_memory=backbone.device.type == "cuda",
    )
    # The decoders' threads pin memory, and fail with the device's errors too.
    with closing(images), device_faults(backbone.device, batch_size, backbone.precision):
        for step, batch in zip(steps, images, strict=True):
            pixels = batch.pixels
            features = backbone.forward(pixels) if pixels is not None else backbone.empty()
            yield FeatureBatch(step.span, batch.rows, features, batch.skipped, step.last)


class Stopwatch:
    """Images a second, counted from the first batch asked for."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.images = 0

    def count(self, images: int) -> None:
        """So many more are done."""
        self.images += images

    @property
    def images_per_second(self) -> float:
        return self.images / max(time.perf_counter() - self._started, 1e-9)
