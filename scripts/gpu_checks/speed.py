"""What bounds the loop: measured, not demanded."""

from __future__ import annotations

import time
import warnings
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from featrank.config import RunConfig
from featrank.extract.images import load_batches
from featrank.records import FAILED, Preprocessing
from featrank.reporting import Silent
from featrank.run.pipeline import extract_models
from gpu_checks.check import MEASURED, Figures, Finding, Setting, held
from gpu_checks.networks import (
    apart,
    backbone_of,
    bare_network,
    bare_pass,
    best_seconds,
)


def _noise(setting: Setting, preprocessing: Preprocessing, n_images: int) -> torch.Tensor:
    """Pixels in the machine's own memory, pinned as those of the decoders are."""
    pixels = torch.rand(n_images, *preprocessing.input_size)
    return pixels.pin_memory() if setting.is_gpu else pixels


def _there(setting: Setting, pixels: torch.Tensor) -> torch.Tensor:
    return pixels.to(setting.device, memory_format=torch.channels_last)


def loop_against_bare_pass(setting: Setting) -> Finding:
    """featrank's pass, uploads and copies back included, as a share of the bare network's."""
    found: Figures = {}
    n_images = 8 if setting.quick else 2048
    for name in setting.networks[:2]:
        network, preprocessing = bare_network(name, setting.device)
        backbone = backbone_of(name, setting.device, "bfloat16")
        for size in setting.batch_sizes:
            pixels = _noise(setting, preprocessing, size)
            there = _there(setting, pixels)
            times = range(n_images // size)
            bare_s, loop_s = (
                best_seconds(work, setting.wait, setting.repeat)
                for work in (
                    lambda: [bare_pass(network, there, "bfloat16") for _ in times],  # noqa: B023
                    lambda: [backbone.forward(pixels) for _ in times],  # noqa: B023
                )
            )
            found[f"{name} {size} images/s"] = round(n_images / loop_s)
            found[f"{name} {size} share"] = round(bare_s / loop_s, 3)
    return Finding(MEASURED, found)


def uploads_and_waits(setting: Setting) -> Finding:
    """Whether the decoders' batches are pinned, and how often a pass waits for the GPU."""
    backbone = backbone_of(setting.networks[0], setting.device)
    target, size = setting.few, setting.batch_sizes[0]
    rows = [list(range(size))]
    (batch,) = load_batches(
        target.samples, target.read, backbone.preprocessing, rows, 1, pin_memory=True
    )
    pixels = batch.pixels
    assert pixels is not None
    backbone.forward(pixels)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            backbone.forward(pixels)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    waits = sum("synchroniz" in str(warning.message) for warning in told)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        backbone.forward(pixels)
        setting.wait()
    copies = sorted({event.name for event in seen.events() or [] if "HtoD" in event.name})
    return Finding(
        MEASURED,
        {
            "batch": "pinned" if pixels.is_pinned() else "pageable",
            "uploads": ", ".join(copies) or "none seen",
            "waits a batch": waits,
        },
    )


def layouts(setting: Setting) -> Finding:
    """Channels last against channels first."""
    found: Figures = {}
    name, size = setting.networks[0], setting.batch_sizes[1]
    for precision in ("float32", "bfloat16"):
        seconds = []
        for order in (torch.channels_last, torch.contiguous_format):
            network, preprocessing = bare_network(name, setting.device, order)
            pixels = torch.rand(size, *preprocessing.input_size)
            there = pixels.to(setting.device, memory_format=order)
            work = lambda: bare_pass(network, there, precision)  # noqa: B023, E731
            seconds.append(best_seconds(work, setting.wait, setting.repeat))
        found[f"{precision} NHWC images/s"] = round(size / seconds[0])
        found[f"{precision} NHWC times as fast"] = round(seconds[1] / seconds[0], 3)
    return Finding(MEASURED, found)


def a_new_batch_size(setting: Setting) -> Finding:
    """What the first pass at a size costs: a tail has a size of its own."""
    found: Figures = {}
    size = setting.batch_sizes[0]
    for name in setting.networks[:2]:
        backbone = backbone_of(name, setting.device)
        pixels = _noise(setting, backbone.preprocessing, size)
        tail = pixels[: size // 2 + 1]
        backbone.forward(pixels)
        for what, given in (("tail", tail), ("tail again", tail), ("padded", pixels)):
            setting.wait()
            started = time.perf_counter()
            backbone.forward(given)
            setting.wait()
            found[f"{name} {what} s"] = round(time.perf_counter() - started, 4)
    return Finding(MEASURED, found)


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what is dispatched to a device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """One more."""
        self.count += 1
        return func(*args, **(kwargs or {}))


def weights_cast_once(setting: Setting) -> Finding:
    """A network whose weights are bfloat16 against autocast, which casts them in every pass."""
    found: Figures = {}
    size = setting.batch_sizes[0]
    for name in setting.networks[:2]:
        network, preprocessing = bare_network(name, setting.device)
        there = _there(setting, _noise(setting, preprocessing, size))
        full = bare_pass(network, there).float().cpu().numpy()

        def cast(network: Any = network, there: torch.Tensor = there) -> torch.Tensor:
            return bare_pass(network, there, "bfloat16")

        seconds = best_seconds(cast, setting.wait, setting.repeat)
        with _Operations() as operations:
            cast()
        network, half = network.to(torch.bfloat16), there.to(torch.bfloat16)

        def once(network: Any = network, half: torch.Tensor = half) -> torch.Tensor:
            return bare_pass(network, half)

        found[f"{name} times as fast"] = round(
            seconds / best_seconds(once, setting.wait, setting.repeat), 3
        )
        with _Operations() as fewer:
            features = once()
        found[f"{name} operations"] = f"{operations.count} → {fewer.count}"
        found[f"{name} from float32"] = apart(features.float().cpu().numpy(), full)
    return Finding(MEASURED, found)


def four_models(setting: Setting) -> Finding:
    """``featrank extract`` of four models from files, building networks and decoding included."""
    names = (*setting.networks, "test_convnext" if setting.quick else "resnet18")
    config = RunConfig(
        dataset=str(setting.many_pictures),
        models=tuple(f"random:{name}" for name in names),
        device=str(setting.device),
        precision="bfloat16",
        batch_size=setting.batch_sizes[0],
        workers=setting.workers,
        cache_dir=setting.cache,
    )
    started = time.perf_counter()
    reports = extract_models(config, Silent())
    seconds = time.perf_counter() - started
    n_done = sum(report.forwarded for report in reports)
    found: Figures = {
        "model-images": n_done,
        "s": round(seconds, 1),
        "model-images/s": round(n_done / seconds),
    }
    for report in reports:
        if report.images_per_second:
            found[f"{report.model.name} images/s"] = round(report.images_per_second)
    failures = [report for report in reports if report.status == FAILED]
    told = "; ".join(f"{report.model.id}: {report.reason}" for report in failures)
    return held(not failures, found, told)
