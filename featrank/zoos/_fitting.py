"""Put the tensors of a file into a timm network, and say what did not fit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from featrank.errors import InputError
from featrank.records import Weights
from featrank.zoos._state_dicts import Misfit, compare, read_state_dict
from featrank.zoos._timm_built import usable
from featrank.zoos._zoo import Loaded
from featrank.zoos.untrained import seeded

if TYPE_CHECKING:
    from torch import Tensor, nn

State = dict[str, "Tensor"]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A network, the tensors meant for it, and what does not fit.

    Attributes:
        network: With the file's number of classes, untrained.
        state: The file's tensors.
        shown: How they differ from the architecture as it comes.
        remaining: How they differ from this network, but for its head.
    """

    network: nn.Module
    state: State
    shown: Misfit
    remaining: Misfit


def load_fitting(
    name: str,
    weights: Weights,
    arguments: Mapping[str, Any] | None = None,
    n_classes: int | None = None,
) -> Loaded:
    """The network with a file's weights.

    Args:
        name: timm's, with or without a tag.
        weights: The file; ``partial`` where it may lack more than the head.
        arguments: Of the architecture, where it is a variant.
        n_classes: Of the architecture as it comes; None for timm's own.

    Raises:
        InputError: The file does not hold this architecture's weights.
    """
    if weights.path is None:
        raise ValueError("these weights come from a file")
    state = read_state_dict(weights.path)
    build = _builder(name, arguments or {}, n_classes)
    attempt = _attempt(build, state)
    if attempt.remaining:
        attempt = _converted(build, attempt)
    if attempt.remaining and not weights.partial:
        raise InputError(
            f"{weights.path} does not fit {name}: {attempt.remaining}",
            "check the architecture before the @, or load what fits with --allow-partial",
        )
    own = attempt.network.state_dict()
    fitting = {
        key: tensor
        for key, tensor in attempt.state.items()
        if key in own and own[key].shape == tensor.shape
    }
    if not fitting:
        raise InputError(
            f"{weights.path} does not fit {name}: not one of its tensors",
            "check the architecture before the @",
        )
    attempt.network.load_state_dict(fitting, strict=False)
    return Loaded(attempt.network.eval(), attempt.shown)


def _builder(
    name: str, arguments: Mapping[str, Any], n_classes: int | None
) -> Callable[[int | None], nn.Module]:
    """Builds the untrained network, with another number of classes where one is given."""
    import timm

    variant = usable(arguments)

    def build(wanted: int | None) -> nn.Module:
        classes = n_classes if wanted is None else wanted
        given = variant if classes is None else {**variant, "num_classes": classes}
        # Seeded, because what a partial file lacks stays as it is here.
        with seeded():
            network: nn.Module = timm.create_model(name, pretrained=False, **given)
        return network

    return build


def _attempt(build: Callable[[int | None], nn.Module], state: State) -> _Attempt:
    plain = build(None)
    heads = _heads(plain)
    shown = compare(state, plain.state_dict())
    n_classes = _count_classes(heads, state)
    network = plain if n_classes == getattr(plain, "num_classes", None) else build(n_classes)
    remaining = compare(state, network.state_dict()).beyond(heads)
    return _Attempt(network, state, shown, remaining)


def _heads(network: Any) -> tuple[str, ...]:
    """The modules of its classifier."""
    named = network.pretrained_cfg.get("classifier") or ()
    return (named,) if isinstance(named, str) else tuple(named)


def _count_classes(heads: tuple[str, ...], state: Mapping[str, Tensor]) -> int:
    """The rows of the classifier in the file; 0 where it has none."""
    for head in heads:
        weight = state.get(f"{head}.weight")
        if weight is not None:
            return int(weight.shape[0])
    return 0


def _converted(build: Callable[[int | None], nn.Module], attempt: _Attempt) -> _Attempt:
    """Once more with timm's conversion of the original authors' names, where timm has one."""
    module = sys.modules[type(attempt.network).__module__]
    convert: Callable[..., State] | None = getattr(module, "checkpoint_filter_fn", None)
    if convert is None:
        return attempt
    try:
        again = _attempt(build, convert(dict(attempt.state), attempt.network))
    except Exception:  # it was written for the authors' files and may stumble over any other
        return attempt
    return attempt if again.remaining else again
