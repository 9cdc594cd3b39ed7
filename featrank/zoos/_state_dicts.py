"""Read weight files without running what is in them, and check that they fit a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featrank.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

# Averaged weights first, as timm prefers them.
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
_PREFIXES = ("_orig_mod.", "module.", "backbone.")


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, out of their wrapper and without wrappers' prefixes.

    Raises:
        InputError: It cannot be read, would run code, or holds no state dict.
    """
    content: Any = _read(path)
    seen: set[int] = set()
    while isinstance(content, Mapping):
        if id(content) in seen:
            raise InputError(
                f"{path} is refused: its state dict contains itself",
                "save model.state_dict() again, best as .safetensors",
            )
        seen.add(id(content))
        inner = next((key for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = content[inner]
    return _cleaned(content, path)


def _read(path: Path) -> Any:
    """What a file holds, by its suffix.

    Raises:
        InputError: See :func:`read_state_dict`.
    """
    import argparse
    import pickle
    import zipfile

    import safetensors
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path, device="cpu")
        if zipfile.is_zipfile(path):
            _refuse_bomb(path)
        # timm's training script stores its arguments beside the weights; they are plain data.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is refused: it is damaged, or reading it would run code that it contains",
            "save the state dict alone, best as .safetensors",
        ) from error
    except (
        OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, AttributeError,
        IndexError, MemoryError, zipfile.BadZipFile, safetensors.SafetensorError,
    ) as error:  # fmt: skip
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise InputError(
            f"cannot read {path}: {reason}", "give a .safetensors file or a PyTorch state dict"
        ) from error


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive that holds more than its own size: torch stores tensors uncompressed.

    Raises:
        InputError: It is compressed, or its parts overlap.
    """
    import zipfile

    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    stored = all(part.compress_type == zipfile.ZIP_STORED for part in parts)
    if not stored or sum(part.file_size for part in parts) > path.stat().st_size:
        raise InputError(
            f"{path} is refused: it is compressed, which no file of torch.save is",
            "save the state dict again, best as .safetensors",
        )


def _cleaned(content: Any, path: Path) -> dict[str, Tensor]:
    from torch import Tensor

    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{path} holds no state dict", "save model.state_dict(), not the model")
    state: dict[str, Tensor] = {}
    for key, value in content.items():
        if not isinstance(value, Tensor):
            raise InputError(
                f"{path} holds no state dict: '{key}' is a {type(value).__name__}",
                f"put the tensors at the top level or under one of {', '.join(_WRAPPERS)}",
            )
        state[_without_prefixes(str(key))] = value
    return state


def _without_prefixes(key: str) -> str:
    while key.startswith(_PREFIXES):
        key = key.partition(".")[2]
    return key


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

    def beyond(self, heads: Sequence[str]) -> Misfit:
        """What is left of it where a head may be missing, or another one.

        Args:
            heads: The modules of the network's classifier.
        """
        prefixes = tuple(f"{head}." for head in heads)
        foreign = (*prefixes, *(f"{word}." for word in _HEAD_WORDS))
        return Misfit(
            tuple(name for name in self.missing if not name.startswith(prefixes)),
            tuple(name for name in self.unexpected if not name.startswith(foreign)),
            tuple(name for name in self.reshaped if not name.startswith(prefixes)),
        )


# Names in a message; the result has them all.
_NAMED = 3

# What others call the head that they trained.
_HEAD_WORDS = (
    "head", "heads", "head_dist", "fc", "classifier", "last_linear", "linear", "logits",
    "projection_head", "projector",
)  # fmt: skip


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
