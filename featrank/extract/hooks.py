"""Take features of wanted layers out of one forward pass, and go no deeper than they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from featrank.errors import InputError
from featrank.extract.folding import fold_batch_norms
from featrank.extract.slices import MapGauge, split_batch
from featrank.layers.find import Anatomized, find_layers
from featrank.layers.names import HEAD, PRE_LOGITS
from featrank.layers.pooling import CannotPoolError, pool
from featrank.records import LayerRef
from featrank.registry import did_you_mean


class _DeepEnough(Exception):  # noqa: N818 (not an error)
    """The deepest wanted layer is done: ends the forward pass from inside a hook."""


class TappedNetwork:
    """A network with hooks on the wanted layers, its batch norms folded (``fold_batch_norms``).

    Maps are pooled inside the hooks, where they come up: none is kept, and a later step that works
    in place cannot spoil one. The first call, one pass, shows how wide the features and how large
    the maps are. From then on room for the features is set aside before anything else: small blocks
    taken between large maps stop the allocator from joining what the maps leave (20 to 40 MiB for a
    batch of 32 through a ViT-S). And a CPU takes a batch in parts (``split_batch``).

    Args:
        network: A timm network in eval mode.
        input_size: Channels, height, width.
        layers: What to take; a layer may come with several poolings.

    Raises:
        InputError: No such layer, or it cannot be pooled so.
    """

    def __init__(
        self, network: nn.Module, input_size: tuple[int, int, int], layers: Sequence[LayerRef]
    ) -> None:
        self._network: Any = fold_batch_norms(network, input_size)
        self._layers = tuple(layers)
        self._pooled: dict[LayerRef, torch.Tensor] = {}
        self._widths: dict[LayerRef, int] = {}
        self._largest_map = 0
        self._deep = [layer for layer in layers if layer.name in (PRE_LOGITS, HEAD)]
        self._found: Anatomized | None = None
        if any(layer.name != HEAD and layer != LayerRef() for layer in layers):
            self._found = find_layers(network, input_size)
        if any(layer.name == HEAD for layer in layers) and not getattr(network, "num_classes", 0):
            raise InputError("the network has no classifier, so it has no layer 'head'")
        self._taps = self._plan_taps()

    def _plan_taps(self) -> list[tuple[nn.Module, str]]:
        """The modules to hook, with their names, in depth order."""
        wanted = {layer.name for layer in self._layers} - {PRE_LOGITS, HEAD}
        modules = dict(self._network.named_modules())
        known = [info.name for info in self._found.layers] if self._found else []
        for name in wanted - set(known):
            raise InputError(f"no layer '{name}'", did_you_mean(name, known))
        return [(modules[name], name) for name in known if name in wanted]

    def _tap(self, name: str, *, last: bool) -> Any:
        poolings = [layer for layer in self._layers if layer.name == name]

        def take(_module: nn.Module, _inputs: object, output: object) -> None:
            for layer in poolings:
                self._keep(layer, self._pool(layer, output))
            if last:
                raise _DeepEnough

        return take

    def _pool(self, layer: LayerRef, output: object) -> torch.Tensor:
        found = self._found
        if found is None or layer.name not in found.readings:
            raise InputError(f"layer '{layer.name}' can only be pooled by auto")
        reading = found.readings[layer.name]
        try:
            return pool(output, reading, layer.pooling, found.anatomy.head_pooling)
        except CannotPoolError as error:
            reason = f"layer '{layer.name}' cannot be pooled by {layer.pooling}: {error}"
            raise InputError(reason) from error

    def __call__(self, pixels: torch.Tensor) -> dict[LayerRef, torch.Tensor]:
        """The pooled features ``(n, width)`` float32 of each wanted layer."""
        if not self._widths:
            gauge = MapGauge()
            with gauge.watch():
                features = self._pass(pixels, {})
            self._largest_map = gauge.largest // len(pixels)
            self._widths = {layer: values.shape[1] for layer, values in features.items()}
            return features
        sizes = [len(pixels) * width for width in self._widths.values()]
        room = torch.split(torch.empty(sum(sizes), device=pixels.device), sizes)
        features = {
            layer: values.view(-1, width)
            for (layer, width), values in zip(self._widths.items(), room, strict=True)
        }
        start = 0
        for part in split_batch(pixels, self._largest_map):
            stop = start + len(part)
            self._pass(part, {layer: values[start:stop] for layer, values in features.items()})
            start = stop
        return features

    def _pass(
        self, pixels: torch.Tensor, room: dict[LayerRef, torch.Tensor]
    ) -> dict[LayerRef, torch.Tensor]:
        """One pass; its features are put where there is room for them."""
        self._pooled = room
        # Only for the length of the pass: the network is not ours to change, and hooks that stayed
        # would keep it from being let go with its last user.
        handles = [
            module.register_forward_hook(
                self._tap(name, last=name == self._taps[-1][1] and not self._deep)
            )
            for module, name in self._taps
        ]
        try:
            last_map = self._network.forward_features(pixels)
        except _DeepEnough:
            last_map = None
        finally:
            for handle in handles:
                handle.remove()
        for layer in self._deep:
            self._keep(layer, self._from_last_map(layer, last_map))
        done, self._pooled = self._pooled, {}
        return {layer: done[layer] for layer in self._layers}

    def _keep(self, layer: LayerRef, features: torch.Tensor) -> None:
        if layer in self._pooled:
            self._pooled[layer].copy_(features)
        else:
            self._pooled[layer] = features

    def _from_last_map(self, layer: LayerRef, last_map: object) -> torch.Tensor:
        if layer.name == HEAD:
            logits: torch.Tensor = self._network.forward_head(last_map)
            return logits.float().softmax(dim=1)
        if layer.pooling != "auto":
            return self._pool(layer, last_map)
        features: torch.Tensor = self._network.forward_head(last_map, pre_logits=True)
        # Copied: a class token may be a view of the whole map.
        return features.to(torch.float32, copy=True).flatten(1)
