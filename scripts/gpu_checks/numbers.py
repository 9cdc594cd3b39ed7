"""Whether the device gives the numbers that the CPU gives, and the same ones each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch

from featrank.extract import forward
from featrank.extract.hooks import TappedNetwork
from featrank.extract.images import load_batches
from featrank.labelled.labelled import Labelled
from featrank.metrics.tmi import class_entropies
from featrank.records import FloatArray, LayerRef
from gpu_checks.check import Figures, Finding, Setting, held
from gpu_checks.networks import apart, backbone_of, best_seconds, loop_features, network_of

CPU = torch.device("cpu")
FLOAT32, BFLOAT16, BATCHES = 2e-6, 2e-2, 1e-6


def _n_compared(setting: Setting) -> int:
    return 8 if setting.quick else 32


def _features(setting: Setting, name: str, device: torch.device, precision: str) -> FloatArray:
    backbone = backbone_of(name, device, precision)
    n_images = _n_compared(setting)
    return loop_features(backbone, setting.few, n_images, n_images, setting.workers)


def _exact(setting: Setting, name: str) -> FloatArray:
    """Features in float64, on the CPU."""
    network, preprocessing = network_of(name)
    tapped = TappedNetwork(network.double(), preprocessing.input_size, [LayerRef()])
    rows = list(range(_n_compared(setting)))
    target = setting.few
    batches = load_batches(target.samples, target.read, preprocessing, [rows], 0, pin_memory=False)
    (batch,) = batches
    assert batch.pixels is not None
    with torch.inference_mode():
        return tapped(batch.pixels.double())[LayerRef()].numpy()


def float32_as_on_the_cpu(setting: Setting) -> Finding:
    """The device against the CPU, and both against float64."""
    found: Figures = {}
    for name in setting.networks:
        exact = _exact(setting, name)
        cpu = _features(setting, name, CPU, "float32")
        here = _features(setting, name, setting.device, "float32")
        found[f"{name} from cpu"] = apart(here, cpu)
        found[f"{name} from float64"] = apart(here, exact)
    return held(max(map(float, found.values())) <= FLOAT32, found)


@contextmanager
def _tf32() -> Iterator[None]:
    backends: Any = torch.backends
    settings = (backends.cuda.matmul, backends.cudnn.conv)
    before = [setting.fp32_precision for setting in settings]
    try:
        for setting in settings:
            setting.fp32_precision = "tf32"
        yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setting.fp32_precision = value


def tf32_would_be_seen(setting: Setting) -> Finding:
    """The comparison above, with TF32 forced on in the place where it is switched off."""
    found: Figures = {}
    for name in setting.networks:
        cpu = _features(setting, name, CPU, "float32")
        with mock.patch.object(forward, "full_float32", _tf32):
            found[name] = apart(_features(setting, name, setting.device, "float32"), cpu)
    return held(min(map(float, found.values())) > FLOAT32, found)


def bfloat16_is_near(setting: Setting) -> Finding:
    """bfloat16 against float32, both on the device."""
    found: Figures = {}
    for name in setting.networks:
        full, half = (
            _features(setting, name, setting.device, precision)
            for precision in ("float32", "bfloat16")
        )
        found[name] = apart(half, full)
    errors = [float(error) for error in found.values()]
    # Nothing at all would mean that it was not bfloat16.
    return held(min(errors) > 0 and max(errors) <= BFLOAT16, found)


def same_numbers_again(setting: Setting) -> Finding:
    """Two runs of one batch size, another batch size, and both with a tail."""
    found: Figures = {}
    usual, large = setting.batch_sizes
    n_images = len(setting.few.samples)
    holds = True
    for name in setting.networks[:2]:
        first, again, other = (
            loop_features(
                backbone_of(name, setting.device), setting.few, n_images, size, setting.workers
            )
            for size in (usual, usual, large)
        )
        same = np.array_equal(first, again)
        found[f"{name} twice"] = "equal bits" if same else f"{apart(again, first):.1e} apart"
        found[f"{name} {large} against {usual}"] = between = apart(other, first)
        holds = holds and same and between <= BATCHES
    return held(holds, found)


def tmi_on_the_device(setting: Setting) -> Finding:
    """tmi's value from distances taken on the device, and whether that would pay."""
    n_rows, width, n_classes, k = (400, 96, 4, 3) if setting.quick else (10_000, 2_048, 10, 3)
    rng = np.random.default_rng(0)
    features = rng.normal(0, 3, (n_rows, width)).astype(np.float32)
    labels = np.arange(n_rows) % n_classes

    def ours() -> dict[int, float]:
        # Afresh each time: distances are remembered.
        return class_entropies(Labelled.from_arrays(features, labels), k, 1.0)[0]

    def there() -> dict[int, float]:
        return _entropies_on(setting.device, features, labels, k)

    expected = ours()
    seconds = best_seconds(ours, setting.wait, repeat=1)
    seconds_there = best_seconds(there, setting.wait, repeat=1)
    found = there()
    same = all(np.isclose(found[label], expected[label], rtol=1e-9) for label in expected)
    figures: Figures = {
        "value": "equal" if same else "differs",
        "cpu s": seconds,
        "device s": seconds_there,
        "times as fast": seconds / seconds_there,
    }
    return held(same and found.keys() == expected.keys(), figures)


def _entropies_on(
    device: torch.device, features: FloatArray, labels: Any, k: int
) -> dict[int, float]:
    """The paper's formula, from max-norm distances between all rows of a class."""
    rows = torch.from_numpy(features).to(device)
    entropies = {}
    for label in np.unique(labels).tolist():
        own = rows[torch.from_numpy(np.flatnonzero(labels == label)).to(device)]
        radii = torch.cdist(own, own, p=float("inf")).kthvalue(k + 1, dim=1).values
        n = float(len(own))
        digammas = torch.digamma(torch.tensor([n, float(k)], dtype=torch.float64))
        logs = (2 * radii.double().clamp(min=1.0)).log()
        difference = digammas[0] - digammas[1]
        entropies[label] = float(difference + own.shape[1] * logs.mean().cpu())
    return entropies
