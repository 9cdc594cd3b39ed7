"""What layers cost: all of them against the last alone, and a middle one against its share.

For each model, side by side in one run on this machine's CPU: seconds and peak memory of a pass
over noise images for the last layer alone, for all layers, and for the layer nearest to half of the
multiply-adds, beside its shares of multiply-adds and of activations, as `featrank layers` prints
them: the more a network waits for memory, the nearer its time is to the second. The runs take
turns; the best of each counts, by the clock and, in brackets, by processor time, which other work
disturbs less. Peak memory is that of a fresh process, above what it held before a pass over one
batch, the smallest of as many processes (Linux only).

    python scripts/bench_layers.py --images 512 --repeat 3
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from pathlib import Path

import numpy as np
import timm
import torch

from featrank.extract.forward import Backbone
from featrank.layers.find import find_layers
from featrank.layers.names import HEAD, LayerInfo
from featrank.records import LayerRef, Preprocessing

MODELS = ("tf_efficientnet_lite0", "resnet50", "vit_small_patch16_224")
LAST, ALL, MIDDLE = "last", "all", "middle"


def backbone_for(model: str, which: str) -> tuple[Backbone, list[LayerInfo]]:
    """A randomly initialised model with its taps on the wanted layers, and their descriptions."""
    torch.manual_seed(0)
    network = timm.create_model(model, pretrained=False).eval()
    config = timm.data.resolve_model_data_config(network)
    found = find_layers(network, config["input_size"]).layers
    infos = {
        LAST: [info for info in found if info.name == "pre_logits"],
        ALL: list(found),
        MIDDLE: [min(found, key=lambda info: abs(info.macs_share - 0.5))],
    }[which]
    layers = [LayerRef(info.name) for info in infos]
    preprocessing = Preprocessing.from_config(config)
    return Backbone(network, preprocessing, torch.device("cpu"), "float32", layers), infos


def seconds_of(backbone: Backbone, pixels: torch.Tensor, images: int) -> tuple[float, float]:
    """One pass over so many images: by the clock, and on the processors."""
    started, used = time.perf_counter(), time.process_time()
    for _ in range(images // len(pixels)):
        backbone.forward(pixels)
    return time.perf_counter() - started, time.process_time() - used


def peak_of(model: str, which: str, batch_size: int) -> int:
    """Bytes by which a pass over one batch lifts the peak memory of a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (model, which, batch_size))


def _peak(model: str, which: str, batch_size: int) -> int:
    backbone, _ = backbone_for(model, which)
    pixels = torch.rand(batch_size, *backbone.preprocessing.input_size)
    # Linux: forget the peak that building the network left.
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    backbone.forward(pixels)
    return _status("VmHWM") - before


def _status(field: str) -> int:
    """One of Linux's figures on this process, in bytes."""
    (line,) = [
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith(f"{field}:")
    ]
    return int(line.split()[1]) * 1024


def bench(model: str, images: int, batch_size: int, repeat: int) -> None:
    """Print one model's lines."""
    ready = {which: backbone_for(model, which) for which in (LAST, ALL, MIDDLE)}
    size = ready[LAST][0].preprocessing.input_size
    pixels = torch.rand(batch_size, *size)
    times: dict[str, list[tuple[float, float]]] = {which: [] for which in ready}
    for backbone, _ in ready.values():
        seconds_of(backbone, pixels, batch_size)
    for _ in range(repeat):
        for which, (backbone, _) in ready.items():
            times[which].append(seconds_of(backbone, pixels, images))
    best = {which: np.min(found, axis=0) for which, found in times.items()}

    def ratio(which: str) -> str:
        clock, processor = best[which] / best[LAST]
        return f"{clock:.3f} ({processor:.3f})"

    peaks = {
        which: min(peak_of(model, which, batch_size) for _ in range(repeat))
        for which in (LAST, ALL)
    }
    pooled = 4 * batch_size * sum(info.widths["auto"] for info in ready[ALL][1])
    (middle,) = ready[MIDDLE][1]
    n_features = sum(info.name != HEAD for info in ready[ALL][1])
    print(
        f"| {model} | {best[LAST][0]:.1f} | {best[ALL][0]:.1f} ({n_features} layers)"
        f" | {ratio(ALL)} | {middle.name} | {best[MIDDLE][0]:.1f}"
        f" | {ratio(MIDDLE)} | {middle.macs_share:.3f} | {middle.activations_share:.3f}"
        f" | {peaks[LAST] / 2**20:.1f} | {peaks[ALL] / 2**20:.1f} | {pooled / 2**20:.2f} |",
        flush=True,
    )


def main() -> None:
    """Bench each model that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print(
        f"{given.images} images, batches of {given.batch_size}, best of {given.repeat},"
        f" {torch.get_num_threads()} threads, torch {torch.__version__}, timm {timm.__version__}\n"
    )
    print(
        "| model | last s | all s | all / last | middle layer | s | middle / last"
        " | its multiply-adds | its activations | peak last MiB | peak all MiB | pooled MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for model in given.models:
        bench(model, given.images, given.batch_size, given.repeat)


if __name__ == "__main__":
    main()
