"""Seeded networks, and passes through them that are as bare as can be."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import timm
import torch

from featrank.extract.folding import fold_batch_norms
from featrank.extract.forward import Backbone, extract_features
from featrank.records import FloatArray, LayerRef, Preprocessing
from featrank.targets import Target
from featrank.zoos.untrained import seeded


def network_of(name: str) -> tuple[Any, Preprocessing]:
    """An untrained network in eval mode, as ``random:NAME`` makes it, and its preprocessing."""
    with seeded():
        network = timm.create_model(name, pretrained=False).eval()
    return network, Preprocessing.from_config(timm.data.resolve_model_data_config(network))


def backbone_of(name: str, device: torch.device, precision: str = "float32") -> Backbone:
    """The same, ready for featrank's own pass."""
    network, preprocessing = network_of(name)
    return Backbone(network, preprocessing, device, precision)


def bare_network(
    name: str, device: torch.device, memory_format: torch.memory_format = torch.channels_last
) -> tuple[Any, Preprocessing]:
    """The same, folded and on its device, with nothing around it."""
    network, preprocessing = network_of(name)
    folded = fold_batch_norms(network, preprocessing.input_size)
    return folded.to(device).to(memory_format=memory_format), preprocessing


def bare_pass(network: Any, pixels: torch.Tensor, precision: str = "float32") -> torch.Tensor:
    """Features of pixels that are on the device already; they stay there."""
    half = precision == "bfloat16"
    with torch.inference_mode(), torch.autocast(pixels.device.type, torch.bfloat16, enabled=half):
        features: torch.Tensor = network.forward_head(
            network.forward_features(pixels), pre_logits=True
        )
    return features


def loop_features(
    backbone: Backbone, target: Target, n_images: int, batch_size: int, workers: int
) -> FloatArray:
    """Features of a target's first images through the whole loop, decoding included."""
    batches = extract_features(backbone, target, [(0, n_images)], batch_size, workers)
    return np.concatenate([batch.features[LayerRef()] for batch in batches])


def apart(found: FloatArray, reference: FloatArray) -> float:
    """How far apart two sets of features are, as a share of the reference's norm."""
    difference = np.asarray(found, np.float64) - np.asarray(reference, np.float64)
    return float(np.linalg.norm(difference) / np.linalg.norm(reference))


def best_seconds(work: Callable[[], object], wait: Callable[[], None], repeat: int = 3) -> float:
    """The shortest of some runs, after one that is not counted."""
    best = float("inf")
    for turn in range(repeat + 1):
        wait()
        started = time.perf_counter()
        work()
        wait()
        if turn:
            best = min(best, time.perf_counter() - started)
    return best
