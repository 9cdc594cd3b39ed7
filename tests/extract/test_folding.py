"""Folded networks against the ones they were made of, and what must not be folded."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import timm
import torch
from torch import nn

from featrank.extract.folding import fold_batch_norms
from featrank.extract.same_padding import SamePadded

SIZE = (3, 16, 16)


def with_statistics(network: Any) -> Any:
    """As after a training: every norm does something."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.1)
    return network.eval()


def n_norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


class Small(nn.Module):
    """A convolution, its norm, and timm's two halves of a forward pass."""

    num_classes = 4

    def __init__(self, **norm: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6, **norm)
        self.classifier = nn.Linear(6, 4)

    def forward_features(self, x: torch.Tensor) -> Any:
        return self.norm(self.conv(x))

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> Any:
        x = x.mean((2, 3))
        return x if pre_logits else self.classifier(x)


class ReadTwice(Small):
    """The convolution's output goes around the norm as well."""

    def forward_features(self, x: torch.Tensor) -> Any:
        x = self.conv(x)
        return self.norm(x) + x


class ChangedBetween(Small):
    def forward_features(self, x: torch.Tensor) -> Any:
        return self.norm(self.conv(x).relu_())


class ConvolvedTwice(Small):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.classifier = nn.Linear(3, 4)

    def forward_features(self, x: torch.Tensor) -> Any:
        return self.norm(self.conv(x)) + self.conv(2 * x)


class NormedTwice(Small):
    def forward_features(self, x: torch.Tensor) -> Any:
        return self.norm(self.conv(x)) + self.norm(self.conv(x).abs())


class AtTwoPaths(Small):
    """Replaced at one of its paths, the convolution would be called by the other."""

    def __init__(self) -> None:
        super().__init__()
        self.again = self.conv

    def forward_features(self, x: torch.Tensor) -> Any:
        return self.norm(self.again(x))


class OutputOfABlock(Small):
    """What the block gives may be asked for, and the norm stands outside."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(3, 6, 1))

    def forward_features(self, x: torch.Tensor) -> Any:
        return self.norm(self.block(x))


class Declared(Small):
    """timm's feature information names the convolution itself."""

    def __init__(self) -> None:
        super().__init__()
        self.feature_info = [{"module": "conv", "num_chs": 6}]


class OtherKind(Small):
    """What such a convolution does with its weights is its own affair."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = timm.layers.ScaledStdConv2d(3, 6, 3, padding=1)


class Untracked(Small):
    """A norm by each batch's own statistics, in eval mode too."""

    def __init__(self) -> None:
        super().__init__(track_running_stats=False)


class NeedsNumbers(Small):
    def forward_features(self, x: torch.Tensor) -> Any:
        return self.norm(self.conv(x)) * (1.0 if float(x.sum()) < 1e9 else 2.0)


@pytest.mark.parametrize("network", [Small(), Small(affine=False), NeedsNumbers()])
def test_a_norm_becomes_part_of_its_convolution(network: Small) -> None:
    with_statistics(network)
    folded = fold_batch_norms(network, SIZE)
    assert n_norms(folded) == 0
    pixels = torch.randn(2, *SIZE)
    with torch.no_grad():
        torch.testing.assert_close(
            folded.forward_features(pixels), network.forward_features(pixels)
        )


def test_it_folds_in_inference_mode_as_well() -> None:
    with torch.inference_mode():
        assert n_norms(fold_batch_norms(with_statistics(Small()), SIZE)) == 0


@pytest.mark.parametrize(
    "kind",
    [
        ReadTwice,
        ChangedBetween,
        ConvolvedTwice,
        NormedTwice,
        AtTwoPaths,
        OutputOfABlock,
        Declared,
        OtherKind,
        Untracked,
    ],
)
def test_what_a_fold_would_change_is_left_alone(kind: type[Small]) -> None:
    network = with_statistics(kind())
    folded: Any = fold_batch_norms(network, SIZE)
    assert n_norms(folded) == 1
    pixels = torch.randn(2, *SIZE)
    with torch.no_grad():
        torch.testing.assert_close(
            folded.forward_features(pixels), network.forward_features(pixels), rtol=0, atol=0
        )


def test_a_network_in_training_mode_is_left_alone() -> None:
    assert n_norms(fold_batch_norms(Small().train(), SIZE)) == 1


def test_a_network_without_batch_norms_is_itself() -> None:
    network = timm.create_model("test_vit").eval()
    assert fold_batch_norms(network, (3, 160, 160)) is network


@pytest.mark.parametrize(
    "name",
    ["test_efficientnet", "test_resnet", "densenet121", "vgg11_bn", "tf_efficientnet_lite0"],
)
def test_every_module_but_the_convolutions_gives_what_it_gave(name: str) -> None:
    # In float64, where rounding leaves no doubt.
    network = with_statistics(timm.create_model(name)).double()
    size = timm.data.resolve_model_data_config(network)["input_size"]
    folded = fold_batch_norms(network, size)
    assert n_norms(folded) < n_norms(network) / 1.5
    pixels = torch.randn(2, *size, dtype=torch.float64)
    expected, found = (outputs_of(each, pixels) for each in (network, folded))
    assert expected.keys() <= found.keys()
    kinds = nn.Conv2d, SamePadded
    changed = {path for path, module in folded.named_modules() if type(module) in kinds}
    for path in expected.keys() - changed:
        scale = float(expected[path].abs().max())
        torch.testing.assert_close(found[path], expected[path], rtol=0, atol=1e-11 * scale)


def outputs_of(network: Any, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """What each module gave, before a later step worked on it in place."""
    outputs: dict[str, torch.Tensor] = {}
    network = copy.deepcopy(network)
    for path, module in network.named_modules():
        module.register_forward_hook(
            lambda _m, _i, output, path=path: outputs.update({path: output.clone()})
        )
    with torch.no_grad():
        network(pixels)
    return outputs


def test_rounding_is_no_larger_than_before() -> None:
    network = with_statistics(timm.create_model("test_efficientnet"))
    folded: Any = fold_batch_norms(network, (3, 160, 160))
    pixels = torch.randn(4, 3, 160, 160)
    with torch.no_grad():
        exact = copy.deepcopy(network).double()(pixels.double())
        before = (network(pixels) - exact).square().mean().sqrt()
        after = (folded(pixels) - exact).square().mean().sqrt()
    assert float(after) < 2 * float(before)


def test_the_network_stays_as_it_is_and_shares_its_weights() -> None:
    network = with_statistics(timm.create_model("test_resnet"))
    before = copy.deepcopy(network.state_dict())
    folded: Any = fold_batch_norms(network, (3, 160, 160))
    assert folded.fc.weight is network.fc.weight
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
