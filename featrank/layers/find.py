"""The layers of a network that one can name."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from featrank.config import POOLINGS
from featrank.layers.layout import NLC, Anatomy, Reading, UnknownLayoutError, tensors_in
from featrank.layers.names import HEAD, PRE_LOGITS, LayerInfo
from featrank.layers.pooling import CannotPoolError, pool
from featrank.layers.trace import BATCH, Call, Trace, trace

_CONTAINERS = (nn.Sequential, nn.ModuleList)


@dataclass(frozen=True, slots=True)
class Anatomized:
    """A network's layers, and how to read them.

    Attributes:
        anatomy: What the network says about itself.
        layers: In depth order; the last of the features is ``pre_logits``, then ``head``.
        readings: How each layer's module is laid out; under ``pre_logits`` the last map, where it
            can be read.
    """

    anatomy: Anatomy
    layers: tuple[LayerInfo, ...]
    readings: dict[str, Reading]


def find_layers(network: nn.Module, input_size: tuple[int, int, int]) -> Anatomized:
    """The layers of a network, from one pass over shapes.

    A layer is a module through whose output all later computation goes, and which is an element of
    a sequence, a part of the network itself, or declared by timm as a feature of it. Of modules
    with the same output the innermost gives the name; the others are aliases. What cannot be read
    beyond doubt is not a layer. Names are module paths, so they do not depend on what is asked for.

    Args:
        network: A timm network in eval mode.
        input_size: Channels, height, width.
    """
    anatomy = Anatomy.of(network, input_size[1:])
    traced = trace(network, input_size)
    places = _named_calls(network, traced)
    anatomy = _with_order(anatomy, [call for _, call in places])
    layers: list[LayerInfo] = []
    readings: dict[str, Reading] = {}
    for names, call in places:
        reading = _read(call, anatomy)
        if reading is not None:
            readings[call.name] = reading
            layers.append(_describe(call, names, reading, anatomy))
    last_map = _read(traced.last_map, anatomy)
    if last_map is not None:
        readings[PRE_LOGITS] = last_map
    layers.append(_describe_last(traced, last_map, anatomy))
    if traced.head is not None:
        layers.append(_describe(traced.head, [HEAD], None, anatomy))
    return Anatomized(anatomy, _with_shares(layers, network), readings)


def _describe_last(traced: Trace, last_map: Reading | None, anatomy: Anatomy) -> LayerInfo:
    """``pre_logits``: by ``auto`` what the head reads, by other poolings the last map itself."""
    layer = _describe(traced.pre_logits, [PRE_LOGITS], None, anatomy)
    if last_map is None:
        why = dict.fromkeys(POOLINGS, "the axes of the last map cannot be told apart")
        return replace(layer, refusals={k: v for k, v in why.items() if k != "auto"})
    below = _describe(traced.last_map, [PRE_LOGITS], last_map, anatomy)
    return replace(layer, widths={**below.widths, **layer.widths}, refusals=below.refusals)


def _with_shares(layers: list[LayerInfo], network: nn.Module) -> tuple[LayerInfo, ...]:
    n_params = sum(parameter.numel() for parameter in network.parameters())
    macs, activations = max(layers[-1].macs, 1), max(layers[-1].activations, 1)
    return tuple(
        replace(
            layer,
            params_share=layer.n_params / n_params,
            macs_share=layer.macs / macs,
            activations_share=layer.activations / activations,
        )
        for layer in layers
    )


def _read(call: Call, anatomy: Anatomy) -> Reading | None:
    try:
        return Reading.of(call.output, BATCH, anatomy)
    except UnknownLayoutError:
        return None


def _with_order(anatomy: Anatomy, calls: list[Call]) -> Anatomy:
    """With the order of the maps that leave no doubt, where they agree: 56×56×56 needs telling."""
    readings = [reading for call in calls if (reading := _read(call, anatomy)) is not None]
    orders = {layout.order for reading in readings for _, layout in reading.layouts} - {NLC}
    return replace(anatomy, order=orders.pop()) if len(orders) == 1 else anatomy


def _named_calls(network: nn.Module, traced: Trace) -> list[tuple[list[str], Call]]:
    """Each layer's call with its name and aliases, in depth order."""
    times = Counter(call.name for call in traced.calls)
    modules = dict(network.named_modules())
    declared = declared_modules(network)
    groups: dict[tuple[int, ...], list[Call]] = {}
    for call in traced.calls:
        once = times[call.name] == 1 and call.name not in (PRE_LOGITS, HEAD)
        if once and call.identity and _is_place(call.name, modules, declared):
            groups.setdefault(call.identity, []).append(call)
    found = []
    for calls in groups.values():
        # A module that is run after the map's last change: in-place steps keep the identity.
        if not any(call.name in declared or traced.is_bottleneck(call) for call in calls):
            continue
        calls.sort(key=lambda call: (_is_leaf(modules[call.name]), -call.name.count(".")))
        found.append(([call.name for call in calls], calls[0]))
    return sorted(found, key=lambda entry: entry[1].time)


def _is_place(name: str, modules: dict[str, nn.Module], declared: frozenset[str]) -> bool:
    """Whether a module stands where a layer may be."""
    if name in declared:
        return True
    parent = name.rpartition(".")[0]
    inside = not parent or _is_sequence(modules[parent])
    return inside and not _is_leaf(modules[name])


def _is_sequence(module: nn.Module) -> bool:
    """Whether its children are steps of the same kind, as far as can be told from outside."""
    kinds = [type(child) for child in module.children()]
    return isinstance(module, _CONTAINERS) or (len(kinds) > 1 and len(set(kinds)) == 1)


def _is_leaf(module: nn.Module) -> bool:
    return next(module.children(), None) is None


def declared_modules(network: nn.Module) -> frozenset[str]:
    """The modules that timm's feature information names, where their output is meant."""
    info: Any = getattr(network, "feature_info", None)
    info = getattr(info, "info", info) or []
    return frozenset(
        entry["module"]
        for entry in info
        if entry.get("module") and entry.get("hook_type", "forward") == "forward"
    )


def _describe(call: Call, names: list[str], reading: Reading | None, anatomy: Anatomy) -> LayerInfo:
    tensors = tensors_in(call.output)
    widths: dict[str, int] = {}
    refusals: dict[str, str] = {}
    if reading is None:
        widths["auto"] = int(tensors[0].flatten(1).shape[1])
        shape, stride = tuple(tensors[0].shape[1:]), None
    else:
        shape = tuple(tensors[reading.layouts[0][0]].shape[1:])
        stride = _stride(reading, anatomy)
        for pooling in POOLINGS:
            try:
                pooled = pool(call.output, reading, pooling, anatomy.head_pooling)
                widths[pooling] = int(pooled.shape[1])
            except CannotPoolError as error:
                refusals[pooling] = str(error)
    return LayerInfo(
        name=names[0],
        aliases=tuple(names[1:]),
        shape=shape,
        widths=widths,
        refusals=refusals,
        stride=stride,
        n_params=call.n_params,
        macs=call.macs,
        activations=call.activations,
        params_share=0.0,
        macs_share=0.0,
        activations_share=0.0,
    )


def _stride(reading: Reading, anatomy: Anatomy) -> int | None:
    """Pixels a side that one position of the finest map stands for."""
    if not reading.patches:
        return None
    height, width = anatomy.image
    return round(math.sqrt(height * width / reading.patches))
