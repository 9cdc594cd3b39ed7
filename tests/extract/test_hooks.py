"""Features of layers against plain hooks, early stopping, and the classifier's layer."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import nn

from featrank.errors import InputError
from featrank.extract.hooks import TappedNetwork
from featrank.layers.find import find_layers
from featrank.layers.names import HEAD_LAYER
from featrank.records import LayerRef

CLOSE: dict[str, float] = {"rtol": 1e-5, "atol": 1e-5}
LAST = LayerRef()


def build(name: str, **options: Any) -> tuple[Any, tuple[int, int, int], torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model(name, pretrained=False, **options).eval()
        size = timm.data.resolve_model_data_config(network)["input_size"]
        return network, size, torch.randn(2, *size)


def take(
    network: nn.Module, size: tuple[int, int, int], layers: list[LayerRef], pixels: torch.Tensor
) -> dict[LayerRef, torch.Tensor]:
    with torch.inference_mode():
        return TappedNetwork(network, size, layers)(pixels)


def output_of(network: nn.Module, module: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    kept: list[torch.Tensor] = []
    handle = module.register_forward_hook(lambda _m, _i, output: kept.append(output))
    with torch.inference_mode():
        network(pixels)
    handle.remove()
    return kept[0]


# For each architecture some layers, with what plain code makes of the module's output.
PLAIN = {
    "test_resnet": {"layer1.0": lambda x: x.mean((2, 3)), "layer3.0": lambda x: x.mean((2, 3))},
    "test_vit": {"blocks.0": lambda x: x[:, 0], "blocks.5": lambda x: x[:, 0]},
    "test_mambaout": {"stages.1.blocks.0": lambda x: x.mean((1, 2))},
    "test_efficientnet": {"blocks.2.0": lambda x: x.mean((2, 3)), "bn1": lambda x: x.mean((2, 3))},
    "densenet121": {
        "features.denseblock2": lambda x: x.mean((2, 3)),
        "features.transition1": lambda x: x.mean((2, 3)),
    },
    "crossvit_9_240": {"blocks.1": lambda x: torch.cat([x[0][:, 0], x[1][:, 0]], dim=1)},
}


@pytest.mark.parametrize("name", PLAIN)
def test_features_are_those_of_a_plain_hook(name: str) -> None:
    network, size, pixels = build(name)
    expected: dict[str, torch.Tensor] = {}
    modules = dict(network.named_modules())
    handles = []
    for path, pooled in PLAIN[name].items():

        def keep(_m: Any, _i: Any, output: Any, path: str = path, pooled: Any = pooled) -> None:
            # A copy: a later step may work in place.
            expected[path] = pooled(output).clone()

        handles.append(modules[path].register_forward_hook(keep))
    with torch.inference_mode():
        network(pixels)
    for handle in handles:
        handle.remove()
    taken = take(network, size, [LayerRef(path) for path in PLAIN[name]], pixels)
    for path, features in expected.items():
        torch.testing.assert_close(taken[LayerRef(path)], features, **CLOSE)


@pytest.mark.parametrize("name", [*PLAIN, "deit_tiny_distilled_patch16_224", "cait_xxs24_224"])
def test_last_is_pre_logits_and_head_is_the_softmax(name: str) -> None:
    network, size, pixels = build(name)
    taken = take(network, size, [LAST, HEAD_LAYER], pixels)
    with torch.inference_mode():
        maps = network.forward_features(pixels)
        expected = network.forward_head(maps, pre_logits=True)
        probabilities = network(pixels).softmax(dim=1)
    torch.testing.assert_close(taken[LAST], expected.flatten(1), **CLOSE)
    torch.testing.assert_close(taken[HEAD_LAYER], probabilities, **CLOSE)


def test_a_layer_is_the_same_alone_and_among_all() -> None:
    network, size, pixels = build("test_resnet")
    everything = [LayerRef(info.name) for info in find_layers(network, size).layers]
    together = take(network, size, everything, pixels)
    for layer in everything[:-1]:
        alone = take(network, size, [layer], pixels)
        torch.testing.assert_close(alone[layer], together[layer], rtol=0, atol=0)


def test_a_second_pass_leaves_the_features_of_the_first_alone() -> None:
    network, size, pixels = build("test_vit")
    layers = [LayerRef("blocks.1"), LAST, HEAD_LAYER]
    tapped = TappedNetwork(network, size, layers)
    with torch.inference_mode():
        first = tapped(pixels)
        kept = {layer: features.clone() for layer, features in first.items()}
        other = tapped(2 * pixels.flip(0)[:1])
        again = tapped(pixels)
    for layer in layers:
        assert other[layer].shape == (1, kept[layer].shape[1])
        torch.testing.assert_close(first[layer], kept[layer], rtol=0, atol=0)
        torch.testing.assert_close(again[layer], kept[layer], rtol=0, atol=0)


def test_a_batch_that_is_taken_in_parts_gives_every_image_its_own_features() -> None:
    network, _, _ = build("test_resnet")
    # So large that a part is of two images.
    size = (3, 448, 448)
    layers = [LayerRef("layer1.0"), LAST, HEAD_LAYER]
    seen: list[int] = []
    network.act1.register_forward_hook(lambda _m, _i, output: seen.append(len(output)))
    tapped = TappedNetwork(network, size, layers)
    pixels = torch.randn(7, *size)
    with torch.inference_mode():
        one_by_one = [tapped(image) for image in pixels.split(1)]
        seen.clear()
        together = tapped(pixels)
    assert seen == [2, 2, 2, 1]
    for layer in layers:
        expected = torch.cat([features[layer] for features in one_by_one])
        torch.testing.assert_close(together[layer], expected, **CLOSE)


def test_nothing_deeper_than_the_deepest_wanted_layer_is_computed() -> None:
    network, size, pixels = build("test_vit")
    tapped = TappedNetwork(network, size, [LayerRef("blocks.1"), LayerRef("blocks.3")])
    ran: list[int] = []
    for i, block in enumerate(network.blocks):
        block.register_forward_hook(lambda *_, i=i: ran.append(i))
    network.norm.register_forward_hook(lambda *_: ran.append(99))
    with torch.inference_mode():
        tapped(pixels)
    assert ran == [0, 1, 2, 3]


def test_the_network_is_left_as_it_was() -> None:
    network, size, pixels = build("test_vit")
    before = network(pixels)
    take(network, size, [LayerRef("blocks.1")], pixels)
    assert not any(module._forward_hooks for module in network.modules())
    torch.testing.assert_close(network(pixels), before, rtol=0, atol=0)


def test_one_layer_with_several_poolings() -> None:
    network, size, pixels = build("test_vit")
    layers = [LayerRef("blocks.2", pooling) for pooling in ("cls", "avg", "avg+std")]
    taken = take(network, size, layers, pixels)
    tokens = output_of(network, network.blocks[2], pixels)
    patches = tokens[:, 1:]
    torch.testing.assert_close(taken[layers[0]], tokens[:, 0], **CLOSE)
    torch.testing.assert_close(taken[layers[1]], patches.mean(1), **CLOSE)
    both = torch.cat([patches.mean(1), patches.std(1, correction=0)], dim=1)
    torch.testing.assert_close(taken[layers[2]], both, **CLOSE)


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "crossvit_9_240"])
def test_what_is_kept_of_a_map_is_the_vector(name: str) -> None:
    network, size, pixels = build(name)
    layers = [LayerRef(info.name) for info in find_layers(network, size).layers]
    for layer, values in take(network, size, layers, pixels).items():
        assert values.untyped_storage().nbytes() == 4 * values.numel(), layer


def test_register_tokens_are_not_pooled() -> None:
    network, size, pixels = build("vit_tiny_patch16_dinov3_qkvb")
    assert network.num_prefix_tokens == 5
    layer = LayerRef("blocks.3", "avg")
    taken = take(network, size, [layer], pixels)
    patches = output_of(network, network.blocks[3], pixels)[:, 5:]
    torch.testing.assert_close(taken[layer], patches.mean(1), **CLOSE)


def test_another_pooling_of_the_last_layer_takes_the_last_map() -> None:
    network, size, pixels = build("test_vit")
    layer = LayerRef("pre_logits", "max")
    with torch.inference_mode():
        expected = network.forward_features(pixels)[:, 1:].amax(1)
    torch.testing.assert_close(take(network, size, [layer], pixels)[layer], expected, **CLOSE)


def test_what_cannot_be_taken_is_refused() -> None:
    network, size, pixels = build("test_resnet")
    with pytest.raises(InputError, match="no layer 'layer1\\.9'") as caught:
        TappedNetwork(network, size, [LayerRef("layer1.9")])
    assert "layer1.0" in caught.value.hint
    with pytest.raises(InputError, match="no class token"):
        take(network, size, [LayerRef("layer1.0", "cls")], pixels)
    bare, size, _ = build("test_resnet", num_classes=0)
    with pytest.raises(InputError, match="no classifier"):
        TappedNetwork(bare, size, [HEAD_LAYER])
