"""Read weight files without running what is in them, and check that they fit a network."""

from __future__ import annotations

from collections.abc import Mapping
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
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    return _cleaned(content, path)


def _read(path: Path) -> Any:
    """What a file holds, by its suffix.

    Raises:
        InputError: See :func:`read_state_dict`.
    """
    import argparse
    import pickle

    import safetensors
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path, device="cpu")
        # timm's training script stores its arguments beside the weights; they are plain data.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is refused: it is damaged, or reading it would run code that it contains",
            "save the state dict alone, best as .safetensors",
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, safetensors.SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise InputError(
            f"cannot read {path}: {reason}", "give a .safetensors file or a PyTorch state dict"
        ) from error


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


def find_misfit(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str | None:
    """The first tensor that keeps a state dict from fitting, in the network's order; or None.

    Args:
        state: What the file has.
        expected: What the network has.
    """
    for name, tensor in expected.items():
        if name not in state:
            # Written by versions of torch that did not count batches; torch fills it in.
            if name.endswith(".num_batches_tracked"):
                continue
            return f"'{name}' {tuple(tensor.shape)} is missing from the file"
        if state[name].shape != tensor.shape:
            return (
                f"'{name}' is {tuple(state[name].shape)} in the file "
                f"and {tuple(tensor.shape)} in the network"
            )
    for name, tensor in state.items():
        if name not in expected:
            return f"'{name}' {tuple(tensor.shape)} is in the file and not in the network"
    return None
