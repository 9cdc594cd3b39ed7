"""Find the state dicts in what a weight file holds, and the one that is a network's."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featrank.errors import InputError
from featrank.registry import did_you_mean
from featrank.zoos._stand_ins import StandIn
from featrank.zoos._weight_files import read_weight_file

if TYPE_CHECKING:
    from torch import Tensor

# Averaged weights first, as timm prefers them.
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
_PREFIXES = ("module.", "backbone.")
# What torch puts between the names of modules that it compiles or shards.
_INFIXES = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")

_MAX_DEPTH = 16
_MAX_MAPPINGS = 100_000
# Of a prefix.
_MAX_WORDS = 16

# Words in keys: moving averages of the weights, and momentum encoders, which follow the network
# that is trained for the sake of its training alone.
_AVERAGED = frozenset({"ema", "average", "averaged", "swa", "teacher"})
_FOLLOWING = frozenset({"momentum", "k", "key", "target"})


@dataclass(frozen=True, slots=True)
class StateDict:
    """Tensors by name, as they stand somewhere in a file.

    Attributes:
        keys: The keys that lead to them; none for those at the top.
        tensors: By name, without what torch puts between names.
    """

    keys: tuple[str, ...]
    tensors: Mapping[str, Tensor]

    @property
    def place(self) -> str:
        """The keys in one word, as ``--checkpoint-key`` takes them."""
        return ".".join(self.keys)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, out of their wrapper and without wrappers' prefixes.

    Raises:
        InputError: It cannot be read, would run code, or holds no state dict.
    """
    return without_prefixes(find_state_dicts(read_weight_file(path), path)[0].tensors)


def find_state_dicts(content: Any, path: Path) -> list[StateDict]:
    """All mappings of names to tensors in what a file holds, the preferred ones first.

    Raises:
        InputError: There is none.
    """
    found = list(_mappings(content, path))
    if not found:
        raise InputError(
            f"{path} holds no state dict: {_described(content)}",
            "save model.state_dict(), not the model",
        )
    return sorted(found, key=_preference)


def _described(content: Any) -> str:
    """What there is instead."""
    if isinstance(content, StandIn):
        return f"it is a pickled {getattr(content, 'stands_for', 'object')}, which is not run"
    if not isinstance(content, Mapping):
        return f"it is a {type(content).__name__}"
    whole = [
        f"'{key}' is a pickled {value.stands_for}"
        for key, value in content.items()
        if isinstance(value, StandIn) and hasattr(value, "stands_for")
    ]
    if whole:
        return f"{whole[0]}, which is not run"
    keys = ", ".join(f"'{key}'" for key in list(content)[:5])
    return f"no tensor under {keys}" if keys else "it is empty"


def _mappings(content: Any, path: Path) -> Iterator[StateDict]:
    from torch import Tensor

    pending: deque[tuple[tuple[str, ...], Any, tuple[int, ...]]] = deque([((), content, ())])
    n_met = 0
    while pending and n_met < _MAX_MAPPINGS:
        keys, here, above = pending.popleft()
        if not isinstance(here, Mapping):
            continue
        n_met += 1
        if id(here) in above:
            raise InputError(
                f"{path} is refused: its state dict contains itself",
                "save model.state_dict() again, best as .safetensors",
            )
        if len(keys) > _MAX_DEPTH:
            continue
        tensors: dict[str, Tensor] = {}
        for key, value in here.items():
            if isinstance(key, str) and isinstance(value, Tensor):
                tensors.setdefault(_INFIXES.sub("", key), value)
            elif isinstance(key, str):
                pending.append(((*keys, key), value, (*above, id(here))))
        if tensors:
            yield StateDict(keys, tensors)


def _preference(state: StateDict) -> tuple[int, ...]:
    """The order in which state dicts that fit alike are taken; equal for file order."""
    words = _words(state.place)
    known = next((i for i, key in enumerate(_WRAPPERS) if key in state.keys), len(_WRAPPERS))
    return (_rank(words), known, len(state.keys))


def _words(text: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", text.lower()))


def _rank(words: set[str]) -> int:
    return 0 if words & _AVERAGED else 2 if words & _FOLLOWING else 1


def without_prefixes(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors without the prefixes that usual wrappers add."""
    state: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        name = key
        while name.startswith(_PREFIXES):
            name = name.partition(".")[2]
        state[name] = tensor
    return state


@dataclass(frozen=True, slots=True)
class Choice:
    """The tensors of a file that are taken for a network's.

    Attributes:
        source: The state dict that they come from.
        prefix: What stood before each name.
        n_fitting: How many of the network's tensors they fit by name and shape.
        state: By the network's names.
        others: Names in that state dict that are not under the prefix.
    """

    source: StateDict
    prefix: str
    n_fitting: int
    state: Mapping[str, Tensor]
    others: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where they stand, as ``--checkpoint-key`` takes it."""
        return ".".join(filter(None, (self.source.place, self.prefix.rstrip("."))))


def choose(
    found: Sequence[StateDict], expected: Mapping[str, Tensor], heads: Sequence[str]
) -> list[Choice]:
    """The state dicts and prefixes under which a network's tensors stand, best first.

    Those that fit most of the network's body come first; of those that fit alike, averages.

    Args:
        found: What the file holds.
        expected: What the network has.
        heads: The modules of its classifier, which a file may lack or have in another shape.
    """
    foreign = tuple(f"{head}." for head in heads)
    body = {name: t.shape for name, t in expected.items() if not name.startswith(foreign)}
    choices: list[tuple[tuple[int, ...], Choice]] = []
    for state in found:
        fitting: Counter[str] = Counter()
        for key, tensor in state.tensors.items():
            for name in _endings(key):
                if body.get(name) == tensor.shape:
                    fitting[key[: len(key) - len(name)]] += 1
        for prefix, count in fitting.items():
            order = (-count, _rank(_words(f"{state.place}.{prefix}")), *_preference(state))
            choices.append((order, _taken(state, prefix, count, foreign)))
    best = max((choice.n_fitting for _, choice in choices), default=0)
    # What fits far worse is a part of the network somewhere else: a name such as `weight`.
    kept = [item for item in choices if 2 * item[1].n_fitting > best]
    return [choice for _, choice in sorted(kept, key=lambda item: item[0])]


def _endings(key: str) -> Iterator[str]:
    """A name, and what is left of it after its first words."""
    yield key
    start = key.find(".")
    for _ in range(_MAX_WORDS):
        if start < 0:
            return
        yield key[start + 1 :]
        start = key.find(".", start + 1)


def _taken(state: StateDict, prefix: str, count: int, heads: tuple[str, ...]) -> Choice:
    taken = {
        key.removeprefix(prefix): tensor
        for key, tensor in state.tensors.items()
        if key.startswith(prefix)
    }
    others = {key for key in state.tensors if not key.startswith(prefix)}
    # A classifier may stand outside: backbone.conv1.weight beside fc.weight.
    outer = prefix
    while outer and heads:
        outer = outer[: outer.rstrip(".").rfind(".") + 1]
        for key in sorted(others):
            name = key.removeprefix(outer)
            if key.startswith(outer) and name.startswith(heads) and name not in taken:
                taken[name] = state.tensors[key]
                others.discard(key)
    return Choice(state, prefix, count, taken, tuple(key for key in state.tensors if key in others))


def only_at(choices: Sequence[Choice], place: str, path: Path) -> list[Choice]:
    """Those that stand where a user says.

    Args:
        choices: All that fit.
        place: Of ``--checkpoint-key``.
        path: The file, for the message.

    Raises:
        InputError: None stands there.
    """
    wanted = place.rstrip(".")
    same = [c for c in choices if c.place == wanted]
    below = [c for c in choices if c.source.place == wanted or c.place.startswith(f"{wanted}.")]
    if not (same or below):
        places = list(dict.fromkeys(choice.place or "(the top)" for choice in choices))
        raise InputError(
            f"nothing under '{place}' in {path} fits the network",
            did_you_mean(
                place, places, f"there is: {', '.join(places[:8]) or 'nothing that fits'}"
            ),
        )
    return same or below
