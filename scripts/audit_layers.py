"""Check layer extraction on every family of timm models.

For the smallest model of every module file of timm, with random weights and nothing downloaded: at
least four layers of features, every listed width is the width delivered, the deepest layer equals
the network's own pre-logits features, the classifier's layer its softmax, and a layer taken alone
equals itself taken with all others.

    python scripts/audit_layers.py                    # every family
    python scripts/audit_layers.py resnet vgg         # some
    python scripts/audit_layers.py --untiny           # without timm's own test models
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import timm
import torch
from timm.models import list_models, list_modules

from featrank.extract.hooks import TappedNetwork
from featrank.layers.find import find_layers
from featrank.layers.names import HEAD, PRE_LOGITS, LayerInfo
from featrank.records import LayerRef

LEAST_LAYERS = 4
CLOSE = 1e-5
# Images of noise: enough that a wrong axis shows.
BATCH = 2


def smallest(module: str, *, tiny: bool) -> str:
    """The model of a module file with the fewest parameters, counted without making weights."""

    def size(name: str) -> int:
        with torch.device("meta"):
            network = timm.create_model(name)
        return sum(parameter.numel() for parameter in network.parameters())

    names = list_models(module=module)
    return min([name for name in names if tiny or not name.startswith("test_")] or names, key=size)


@torch.inference_mode()
def audit(name: str) -> tuple[int, list[str]]:
    """The number of layers of a model, and what is wrong with them."""
    torch.manual_seed(0)
    network: Any = timm.create_model(name, pretrained=False).eval()
    size = timm.data.resolve_model_data_config(network)["input_size"]
    pixels = torch.rand(BATCH, *size) - 0.5
    layers = find_layers(network, size).layers
    wanted = [LayerRef(info.name) for info in layers]
    taken = TappedNetwork(network, size, wanted)(pixels)
    wrong = [
        f"{info.name}: {taken[ref].shape[1]} wide, {info.widths['auto']} listed"
        for ref, info in zip(wanted, layers, strict=True)
        if taken[ref].shape != (BATCH, info.widths["auto"])
    ]
    wrong += [f"{ref.name}: not finite" for ref in wanted if not taken[ref].isfinite().all()]
    features = [info for info in layers if info.name != HEAD]
    if len(features) < LEAST_LAYERS:
        wrong.append(f"only {len(features)} layers")
    middle = LayerRef(features[len(features) // 2].name)
    differing = differences(network, pixels, taken, middle)
    if differing:
        # Rounding or a mistake? Some untrained networks give features of 1e11; float64 tells.
        network, pixels = network.double(), pixels.double()
        taken = TappedNetwork(network, size, wanted)(pixels)
        differing = differences(network, pixels, taken, middle)
    return len(features), wrong + differing + disorder(features)


def differences(
    network: Any, pixels: torch.Tensor, taken: dict[LayerRef, torch.Tensor], middle: LayerRef
) -> list[str]:
    """Which features are not the plain run's, or not the same when taken alone."""
    size = (pixels.shape[1], pixels.shape[2], pixels.shape[3])
    return [
        f"{ref.name} differs {what}"
        for ref, expected, what in (
            (LayerRef(PRE_LOGITS), pre_logits(network, pixels), "from the plain run"),
            (LayerRef(HEAD), network(pixels), "from the plain run"),
            (middle, TappedNetwork(network, size, [middle])(pixels)[middle], "when taken alone"),
        )
        if ref in taken and not same(taken[ref], expected, softmax=ref.name == HEAD)
    ]


def pre_logits(network: Any, pixels: torch.Tensor) -> Any:
    """The head's input features, as timm documents them."""
    return network.forward_head(network.forward_features(pixels), pre_logits=True)


def same(taken: torch.Tensor, expected: torch.Tensor, *, softmax: bool) -> bool:
    """Equal up to rounding."""
    expected = expected.softmax(dim=1) if softmax else expected.flatten(1)
    return torch.allclose(taken, expected.float(), rtol=CLOSE, atol=CLOSE)


def disorder(layers: list[LayerInfo]) -> list[str]:
    """Names that are not unique, and costs that do not grow with depth."""
    names = [info.name for info in layers]
    wrong = [] if len(set(names)) == len(names) else ["names are not unique"]
    macs = [info.macs for info in layers]
    return wrong + ([] if macs == sorted(macs) else ["multiply-adds fall with depth"])


def main() -> None:
    """Print a line a family; exit 1 where fewer than 95 % pass."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="timm's module files; all where none is named")
    parser.add_argument("--untiny", action="store_true", help="leave timm's test_* models out")
    given = parser.parse_args()
    passed, modules = 0, given.modules or [m for m in list_modules() if list_models(module=m)]
    print(f"{'family':24} {'model':34} layers  seconds  result")
    for module in modules:
        started = time.perf_counter()
        name, n_layers = smallest(module, tiny=not given.untiny), 0
        try:
            n_layers, wrong = audit(name)
        except Exception as error:  # every family gets its line
            wrong = [f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"]
        passed += not wrong
        seconds = time.perf_counter() - started
        result = "; ".join(wrong) or "pass"
        print(f"{module:24} {name:34} {n_layers:6d} {seconds:8.1f}  {result}", flush=True)
    print(f"{passed} of {len(modules)} families pass: {passed / len(modules):.1%}")
    sys.exit(passed < 0.95 * len(modules))


if __name__ == "__main__":
    main()
