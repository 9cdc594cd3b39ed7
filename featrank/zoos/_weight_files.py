"""Read weight files without running what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.storage.contained import ClaimError
from featrank.storage.kept_json import parse_json
from featrank.storage.named_files import open_regular
from featrank.storage.pointers import pointer_reason
from featrank.zoos._hub_cache import check_file_name
from featrank.zoos._stand_ins import stand_ins

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".pth.tar", ".pyth")
INDEX_SUFFIX = ".index.json"

_LARGEST_INDEX = 1 << 26
_SAVE_AGAIN = "save the state dict alone, best as .safetensors"


def is_weight_file(name: str) -> bool:
    """Whether a file of this name may hold weights, or list the files that do."""
    return name.lower().endswith((*SUFFIXES, INDEX_SUFFIX))


def weight_files(path: Path) -> list[Path]:
    """The files that hold the tensors: the file itself, or those that an index lists.

    Raises:
        InputError: An index is damaged, or lists what is not beside it.
    """
    if not path.name.lower().endswith(INDEX_SUFFIX):
        return [path]
    try:
        with open_regular(path) as stream:
            document = parse_json(stream.read(_LARGEST_INDEX + 1), _LARGEST_INDEX)
    except (OSError, ClaimError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    places = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(places, dict) or not places:
        raise InputError(
            f"{path} lists no weights: it has no 'weight_map'", "give the index of the shards"
        )
    names = sorted({str(name) for name in places.values()})
    for name in names:
        check_file_name(name, str(path))
        if not is_weight_file(name) or name.lower().endswith(INDEX_SUFFIX):
            raise InputError(f"{path} lists '{name}', which is no file of weights")
        if not (path.parent / name).is_file():
            raise InputError(
                f"{path} lists '{name}', which is not beside it", "fetch the missing shard"
            )
    return [path.parent / name for name in names]


def read_weight_file(path: Path) -> Any:
    """What a file holds: tensors in a mapping, in wrappers or not; shards are one mapping.

    Raises:
        InputError: It cannot be read, or would run code.
    """
    files = weight_files(path)
    if len(files) == 1:
        return _read(files[0])
    whole: dict[str, Any] = {}
    for file in files:
        content = _read(file)
        if not isinstance(content, Mapping):
            raise InputError(f"{file} holds no state dict", "fetch the shards again")
        whole.update(content)
    return whole


def _read(path: Path) -> Any:
    import pickle
    import zipfile

    import torch
    from safetensors.torch import load_file

    try:
        _refuse_other_kinds(path)
        if path.suffix.lower() == ".safetensors":
            return load_file(path, device="cpu")
        if zipfile.is_zipfile(path):
            _refuse_archive(path)
        with torch.serialization.safe_globals(stand_ins(path)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is refused: it is damaged, or reading it would run code that it contains",
            _SAVE_AGAIN,
        ) from error
    except InputError:
        raise
    # torch lets out whatever a damaged file provokes: RuntimeError, KeyError, AssertionError,
    # LookupError, MemoryError and more.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise InputError(
            f"cannot read {path}: {reason}", "give a .safetensors file or a PyTorch state dict"
        ) from error


def _refuse_other_kinds(path: Path) -> None:
    """Name what a file is by its first bytes, where it is no file of weights.

    Raises:
        InputError: It is empty, a pointer, a page or an archive of another kind.
    """
    import tarfile

    with path.open("rb") as stream:
        start = stream.read(512)
    if not start:
        raise InputError(f"{path} is empty", "fetch it again")
    if reason := pointer_reason(start):
        raise InputError(f"{path} is {reason}", "fetch it, and run again")
    if start.lstrip()[:1] == b"<":
        raise InputError(f"{path} is a web page, not weights", "download the file itself")
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"(\xb5/\xfd")):
        raise InputError(f"{path} is compressed as a whole", "unpack it first")
    if start[257:262] == b"ustar" or _is_old_tar(path):
        with tarfile.open(path) as archive:
            first = next(iter(archive), None)
        inside = f", the first of its files '{first.name[:80]}'" if first else ""
        raise InputError(
            f"{path} is a tar archive{inside}",
            "unpack it, and load and save what is inside again where torch wrote it before 0.2",
        )


def _is_old_tar(path: Path) -> bool:
    import tarfile
    import zipfile

    return (
        path.suffix != ".safetensors" and not zipfile.is_zipfile(path) and tarfile.is_tarfile(path)
    )


def _refuse_archive(path: Path) -> None:
    """Refuse TorchScript, and an archive that holds more than its own size.

    Raises:
        InputError: It is a program, is compressed, or its parts overlap.
    """
    import zipfile

    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    names = [part.filename.partition("/")[2] for part in parts]
    if "constants.pkl" in names and any(name.startswith("code/") for name in names):
        raise InputError(
            f"{path} is a TorchScript program: reading it would run it",
            "where it was made, save model.state_dict() instead, best as .safetensors",
        )
    # torch stores tensors uncompressed.
    stored = all(part.compress_type == zipfile.ZIP_STORED for part in parts)
    if not stored or sum(part.file_size for part in parts) > path.stat().st_size:
        raise InputError(
            f"{path} is refused: it is compressed, which no file of torch.save is",
            "save the state dict again, best as .safetensors",
        )
