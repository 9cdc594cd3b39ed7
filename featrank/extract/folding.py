"""Batch norms as part of the convolutions before them."""

from __future__ import annotations

import copy
from collections import Counter, OrderedDict
from typing import Any

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.norm_act import BatchNormAct2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils._python_dispatch import TorchDispatchMode

from featrank.extract.same_padding import SamePadded
from featrank.layers.find import declared_modules
from featrank.layers.layout import tensors_in
from featrank.layers.trace import BATCH, observed, on_shapes, storage, tensors_of

# These and no kinds of them: another forward may do more with the weights.
_CONVOLUTIONS = (nn.Conv2d, Conv2dSame)
_NORMS = (nn.BatchNorm2d, BatchNormAct2d)


def fold_batch_norms(network: nn.Module, input_size: tuple[int, int, int]) -> nn.Module:
    """The network with its batch norms folded into the convolutions that feed them.

    In eval mode a batch norm multiplies each channel and adds to it, which the convolution can do
    as well: that saves a pass over the map. The numbers are the same but for rounding, and as near
    to the exact ones as before: weights are folded in float64.

    A batch norm is folded where it alone reads what its convolution gives, as one pass over shapes
    tells. Modules keep their paths and give what they gave, but for the folded convolutions; what
    comes after a norm inside its module stays there.

    Args:
        network: A timm network in eval mode. It stays as it is; the result shares its other
            weights.
        input_size: Channels, height, width.
    """
    if not any(type(module) in _NORMS for module in network.modules()):
        return network
    pairs = on_shapes(network, lambda shapes, device: _find_pairs(shapes, input_size, device))
    shared: dict[int, object] = {id(tensor): tensor for tensor in network.parameters()}
    shared |= {id(buffer): buffer for buffer in network.buffers()}
    folded = copy.deepcopy(network, shared)
    for path, norm_path in pairs:
        convolution, norm = folded.get_submodule(path), folded.get_submodule(norm_path)
        folded.set_submodule(path, _fused(convolution, norm))
        folded.set_submodule(norm_path, nn.Sequential(OrderedDict(norm.named_children())))
    return folded


def _fused(convolution: Any, norm: Any) -> nn.Module:
    weight = convolution.weight
    # Not every device knows float64.
    exact = [copy.deepcopy(module).cpu().double() for module in (convolution, norm)]
    fused: Any = fuse_conv_bn_eval(*exact)
    fused.to(weight.device, weight.dtype)
    return SamePadded(fused) if type(fused) is Conv2dSame else fused


def _find_pairs(
    network: Any, input_size: tuple[int, int, int], device: torch.device
) -> list[tuple[str, str]]:
    """The paths of convolutions and of the batch norms that alone read what they give."""
    convolutions = _by_storage(network, _CONVOLUTIONS, "weight")
    norms = _by_storage(network, _NORMS, "running_mean")
    declared = declared_modules(network)
    uses = _Uses()
    given: Counter[int] = Counter()

    def give(_path: str, output: object) -> None:
        given.update(map(storage, tensors_in(output)))

    dtype = next(network.parameters()).dtype
    with uses, observed(network, give):
        pixels = torch.zeros(BATCH, *input_size, dtype=dtype, device=device)
        last_map = network.forward_features(pixels)
        give("", last_map)
        network.forward_head(last_map)
    return [
        (convolutions[weight], norms[mean])
        for output, weight in uses.convolved.items()
        for mean in uses.read_with.get(output, set()) & norms.keys()
        if weight in convolutions
        and uses.counts[weight] == uses.counts[output] == uses.counts[mean] == 1
        # What another module gives too, or timm names, may be asked for.
        and given[output] == 1
        and convolutions[weight] not in declared
    ]


def _by_storage(network: nn.Module, kinds: tuple[type, ...], name: str) -> dict[int, str]:
    """The paths of modules of these kinds, by the storage of a tensor that is theirs alone."""
    found = [
        (storage(tensor), path, module)
        # A module may stand at two paths.
        for path, module in network.named_modules(remove_duplicate=False)
        if isinstance(tensor := getattr(module, name, None), torch.Tensor)
    ]
    owners = Counter(key for key, _, _ in found)
    return {
        key: path
        for key, path, module in found
        if type(module) in kinds and not module.training and owners[key] == 1
    }


class _Uses(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Who reads what in a pass; tensors are known by their storages.

    Attributes:
        counts: Operations that read a tensor.
        read_with: What was read with a tensor, by the last that did.
        convolved: What convolutions gave, and their weights.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[int] = Counter()
        self.read_with: dict[int, set[int]] = {}
        self.convolved: dict[int, int] = {}
        # A freed storage's address would be given to another tensor.
        self._kept: list[torch.Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operation and take notes."""
        out = func(*args, **(kwargs or {}))
        read = set(map(storage, tensors_of((args, kwargs))))
        self.counts.update(read)
        self.read_with.update(dict.fromkeys(read, read))
        if func is torch.ops.aten.convolution.default:
            self.convolved[storage(out)] = storage(args[1])
        self._kept += tensors_of(out)
        return out
