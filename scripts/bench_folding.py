"""What folding batch norms saves on this machine's CPU, and what it does to the numbers.

For each model, side by side in one run: seconds of a pass over noise images with the network as it
is and with its batch norms folded, in turns, the best of each; and the error of both against the
same network in float64, as a share of the features' root mean square.

    python scripts/bench_folding.py --images 256 --repeat 3
"""

from __future__ import annotations

import argparse
import copy
import time
from typing import Any

import timm
import torch
from torch import nn

from featrank.extract.folding import fold_batch_norms

MODELS = ("tf_efficientnet_lite0", "mobilenetv3_small_100", "regnety_002", "resnet50")
# As many images as go through at a time (featrank/extract/slices.py).
PART = 4


def trained_like(name: str) -> Any:
    """A random network whose norms do something."""
    torch.manual_seed(0)
    network = timm.create_model(name, pretrained=False).eval()
    norms: list[Any] = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        for values in (norm.running_mean, norm.bias):
            values.normal_(std=0.1)
        for values in (norm.running_var, norm.weight):
            values.uniform_(0.5, 1.5)
    return network


def features_of(network: Any, pixels: torch.Tensor) -> torch.Tensor:
    """What the head would classify."""
    features: torch.Tensor = network.forward_head(network.forward_features(pixels), pre_logits=True)
    return features


def seconds_of(network: nn.Module, pixels: torch.Tensor, images: int) -> float:
    """One pass over so many images."""
    started = time.perf_counter()
    for _ in range(images // len(pixels)):
        features_of(network, pixels)
    return time.perf_counter() - started


@torch.inference_mode()
def bench(name: str, images: int, repeat: int) -> None:
    """Print one model's line."""
    plain = trained_like(name)
    size = timm.data.resolve_model_data_config(plain)["input_size"]
    networks = {
        way: network.to(memory_format=torch.channels_last)
        for way, network in (("plain", plain), ("folded", fold_batch_norms(plain, size)))
    }
    pixels = torch.randn(PART, *size).to(memory_format=torch.channels_last)
    exact = features_of(copy.deepcopy(plain).double(), pixels.double())
    best = dict.fromkeys(networks, float("inf"))
    errors = {}
    for way, network in networks.items():
        difference = features_of(network, pixels) - exact
        errors[way] = float(difference.square().mean().sqrt() / exact.square().mean().sqrt())
    for _ in range(repeat):
        for way, network in networks.items():
            best[way] = min(best[way], seconds_of(network, pixels, images))
    plain_s, folded_s = best.values()
    seconds = f"{plain_s:.2f} | {folded_s:.2f} | {plain_s / folded_s:.2f}"
    print(f"| {name} | {seconds} | {errors['plain']:.1e} | {errors['folded']:.1e} |", flush=True)


def main() -> None:
    """Bench each model that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print(f"{given.images} images, best of {given.repeat}, {torch.get_num_threads()} threads\n")
    print("| model | plain s | folded s | times as fast | error plain | error folded |")
    print("|---|---|---|---|---|---|")
    for model in given.models:
        bench(model, given.images, given.repeat)


if __name__ == "__main__":
    main()
