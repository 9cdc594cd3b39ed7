"""How the tensors of a file differ from those of a network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Misfit:
    """What keeps a file's tensors from being a network's.

    Attributes:
        missing: Names that only the network has, in its order.
        unexpected: Names that only the file has.
        reshaped: ``name: (shape in the file) for (shape in the network)``.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.reshaped)

    @property
    def document(self) -> dict[str, list[str]]:
        """As JSON, without what is empty."""
        found = {"missing": self.missing, "unexpected": self.unexpected, "reshaped": self.reshaped}
        return {kind: list(names) for kind, names in found.items() if names}

    def __str__(self) -> str:
        parts = []
        for kind, names in self.document.items():
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            parts.append(f"{len(names)} {kind}: {', '.join(names[:_NAMED])}{more}")
        return "; ".join(parts)

    def beyond(self, heads: Sequence[str], expected: Iterable[str]) -> Misfit:
        """What is left of it that keeps the tensors from being the network's.

        A head may be missing, or be another one. What the file has beside the network (counters,
        decoders, projectors) does no harm, but for blocks that are further ones of the network's
        own, numbered on: such a file belongs to a deeper network.

        Args:
            heads: The modules of the network's classifier.
            expected: The names that the network has.
        """
        prefixes = tuple(f"{head}." for head in heads)
        kinds = {_NUMBER.sub("#", name) for name in expected}
        return Misfit(
            tuple(name for name in self.missing if not name.startswith(prefixes)),
            tuple(
                name
                for name in self.unexpected
                if not name.startswith(prefixes) and _NUMBER.sub("#", name) in kinds
            ),
            tuple(name for name in self.reshaped if not name.startswith(prefixes)),
        )


# A number among the words of a name, such as that of a block.
_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")

# Names in a message; the result has them all.
_NAMED = 3


def compare(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Misfit:
    """How the tensors of a file differ from a network's.

    Args:
        state: What the file has.
        expected: What the network has.
    """
    return Misfit(
        # Batches were not counted by old versions of torch, which fills the numbers in.
        tuple(k for k in expected if k not in state and not k.endswith(".num_batches_tracked")),
        tuple(name for name in state if name not in expected),
        tuple(
            f"{name}: {tuple(state[name].shape)} for {tuple(tensor.shape)}"
            for name, tensor in expected.items()
            if name in state and state[name].shape != tensor.shape
        ),
    )
