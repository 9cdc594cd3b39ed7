"""Put the tensors of a file into a timm network, and say what did not fit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featrank.errors import InputError
from featrank.records import Weights
from featrank.zoos._misfit import Misfit, compare
from featrank.zoos._state_dicts import (
    Choice,
    StateDict,
    choose,
    find_state_dicts,
    only_at,
    without_prefixes,
)
from featrank.zoos._timm_built import build_with_timm, usable
from featrank.zoos._trained_with import read_trained_with
from featrank.zoos._weight_files import read_weight_file
from featrank.zoos._zoo import Loaded
from featrank.zoos.untrained import seeded

if TYPE_CHECKING:
    from torch import Tensor, nn

State = dict[str, "Tensor"]
Build = Callable[[int | None], "nn.Module"]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A network, the tensors meant for it, and what does not fit.

    Attributes:
        network: With the file's number of classes, untrained.
        state: The file's tensors.
        shown: How they differ from the architecture as it comes.
        remaining: What of it keeps them from being this network's.
        notes: What was changed to make them fit, one line each.
    """

    network: nn.Module
    state: Mapping[str, Tensor]
    shown: Misfit
    remaining: Misfit
    notes: tuple[str, ...] = ()


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
    content = read_weight_file(weights.path)
    found = find_state_dicts(content, weights.path)
    build = _builder(name, arguments or {}, n_classes)
    plain = build(None)
    choices = choose(found, plain.state_dict(), _heads(plain))
    if weights.key:
        choices = only_at(choices, weights.key, weights.path)
    attempt = _best_attempt(build, plain, choices, found)
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
    _refuse_no_weights(fitting, own, weights.path)
    attempt.network.load_state_dict(fitting, strict=False)
    notes = (*_said_of_choice(choices), *attempt.notes)
    said = read_trained_with(content, weights.path)
    return Loaded(attempt.network.eval(), attempt.shown, notes, said)


def _best_attempt(
    build: Build, plain: nn.Module, choices: Sequence[Choice], found: Sequence[StateDict]
) -> _Attempt:
    """The choice that fits best, or else timm's conversion of what the original authors stored."""
    states = [choices[0].state] if choices else []
    states += [without_prefixes(state.tensors) for state in found]
    first = _attempt(build, plain, states[0])
    if not first.remaining:
        return first
    converted = (_converted(build, plain, state) for state in states[:_MAX_CONVERTED])
    return next((again for again in converted if again and not again.remaining), first)


# State dicts of one file that are offered to timm's conversion.
_MAX_CONVERTED = 8


def _said_of_choice(choices: Sequence[Choice]) -> Iterator[str]:
    """In one line: which of the file's tensors were taken, and which others would do as well."""
    if not choices:
        return
    taken = choices[0]
    rivals = [c.place for c in choices[1:] if c.n_fitting == taken.n_fitting]
    parts = []
    if taken.place:
        parts.append(f"the weights under '{taken.place}' are taken")
    if rivals:
        named = ", ".join(f"'{place}'" if place else "the top" for place in rivals[:3])
        more = ", …" if len(rivals) > 3 else ""
        parts.append(f"those under {named}{more} fit as well (see --checkpoint-key)")
    if taken.others:
        n = len(taken.others)
        parts.append(f"{n} other tensor{'s' * (n > 1)} left over, such as '{taken.others[0]}'")
    if parts:
        yield "; ".join(parts)


def _refuse_no_weights(state: State, own: Mapping[str, Tensor], path: Path) -> None:
    """Refuse numbers that are no weights before anything is forwarded.

    Raises:
        InputError: Integers, booleans or quantised numbers where the network has floats; NaN or
            infinity.
    """
    for name, tensor in state.items():
        if not own[name].is_floating_point():
            continue
        kind = str(tensor.dtype).removeprefix("torch.")
        if tensor.is_quantized or not tensor.is_floating_point():
            raise InputError(
                f"{path}: '{name}' holds {kind} where the network has floats: quantised weights,"
                " or a mask of pruning",
                "give the weights in float32, float16 or bfloat16",
            )
        # float8 has no such test of its own.
        if not tensor.float().isfinite().all():
            raise InputError(
                f"{path}: '{name}' holds NaN or infinity", "give weights from before it diverged"
            )


def _builder(name: str, arguments: Mapping[str, Any], n_classes: int | None) -> Build:
    """Builds the untrained network, with another number of classes where one is given."""
    variant = usable(arguments)

    def build(wanted: int | None) -> nn.Module:
        classes = n_classes if wanted is None else wanted
        given = variant if classes is None else {**variant, "num_classes": classes}
        # Seeded, because what a partial file lacks stays as it is here.
        with seeded():
            return build_with_timm(name, given)

    return build


def _attempt(build: Build, plain: nn.Module, state: Mapping[str, Tensor]) -> _Attempt:
    heads = _heads(plain)
    shown = compare(state, plain.state_dict())
    n_classes = _count_classes(heads, state)
    network = plain if n_classes == getattr(plain, "num_classes", None) else build(n_classes)
    own = network.state_dict()
    return _Attempt(network, state, shown, compare(state, own).beyond(heads, own))


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


def _converted(build: Build, plain: nn.Module, state: Mapping[str, Tensor]) -> _Attempt | None:
    """With timm's conversion of the original authors' names, where timm has one."""
    module = sys.modules[type(plain).__module__]
    convert: Callable[..., State] | None = getattr(module, "checkpoint_filter_fn", None)
    if convert is None:
        return None
    try:
        converted = convert(dict(state), plain)
        again = _attempt(build, plain, converted)
    except Exception:  # it was written for the authors' files and may stumble over any other
        return None
    resized = [
        f"{name} {tuple(state[name].shape)} to {tuple(tensor.shape)}"
        for name, tensor in converted.items()
        if name in state and state[name].shape != tensor.shape and state[name].ndim == tensor.ndim
    ]
    if not resized:
        return again
    more = f" and {len(resized) - 1} more" if len(resized) > 1 else ""
    note = f"position embeddings of another size are resampled: {resized[0]}{more}"
    return replace(again, notes=(note,))
