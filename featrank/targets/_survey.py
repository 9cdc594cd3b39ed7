"""Before anything is decoded for a network: what samples a target's images hold.

A file's first bytes tell nearly always that it holds 8 bits a sample. The others are opened, and
looked through as far as the choice of a range needs it: to the first value that only 16 bits hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np

from featrank.records import Skipped
from featrank.targets._decode import open_image, opened, read_values, reasons
from featrank.targets._file_reader import FileReader
from featrank.targets._kept_choices import choice_name, recall_choice, remember_choice
from featrank.targets._plugin_formats import PLUGINS, plugin_kind
from featrank.targets._range_choice import Found, choose
from featrank.targets._samples import Samples, describe
from featrank.targets._target import Sample, Target, UnreadableImage
from featrank.targets._value_range import FLOAT, INTEGER, SIGNIFICANT, Range, Reading, given_range

# Files that begin so hold 8 bits a sample, or the format says how many and Pillow minds it.
_PLAIN = (
    b"\xff\xd8\xff", b"GIF8", b"BM", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6",
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51",
)  # fmt: skip
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTH_AT = 24

_EMPTY = sha256(b"").hexdigest()
_THREADS = 4
_AT_ONCE = 32


def is_plain(start: bytes) -> bool:
    """Whether a file's first bytes tell that there is nothing to choose."""
    if start.startswith(_PNG):
        return len(start) <= _PNG_DEPTH_AT or start[_PNG_DEPTH_AT] <= 8
    if start[:4] == b"RIFF" or (start[4:8] == b"ftyp" and not plugin_kind(start)):
        return True
    return not start or start.startswith(_PLAIN)


def survey(target: Target, value_range: str, memory: Path | None = None) -> Target:
    """The target with the ranges that its images are read by, and what is to be said of them.

    Images for which there is no range join the skipped.

    Args:
        target: It is not narrowed to a subset: a subset is read as the whole.
        value_range: What ``--value-range`` says.
        memory: The folder where the choice is remembered; None to look each time.

    Raises:
        IncompleteError: A file cannot be read, or has changed.
    """
    reader = target.read
    if not isinstance(reader, FileReader):
        return target
    name = choice_name({item.digest for item in target.samples}, value_range)
    choice = recall_choice(memory, name)
    if choice is None:
        found = _look_at(target, reader, given_range(value_range))
        choice = choose(found, value_range)
        if found.is_whole:
            remember_choice(memory, name, choice)
    refused = [item for item in target.samples if item.digest in choice.refused]
    skipped = [Skipped(item.path, choice.refused[item.digest]) for item in refused]
    left = [item for item in target.samples if item.digest not in choice.refused]
    return dataclasses.replace(
        target,
        read=dataclasses.replace(reader, reading=Reading(choice.ranges)),
        samples=tuple(left),
        skipped=tuple(sorted((*target.skipped, *skipped), key=lambda item: item.path)),
        warnings=(*target.warnings, *choice.said),
        decoding=choice.decoding,
    )


def _heads(target: Target, reader: FileReader) -> dict[Sample, bytes]:
    """The first bytes of each image; none where they cannot be read."""
    heads = {item: reader.head(item) for item in target.samples}
    away = [item for item, head in heads.items() if not head and item.digest != _EMPTY]
    if away:  # packed in an archive that is unpacked first; or out of reach
        target.prepare(away)
        heads |= {item: reader.head(item) for item in away}
    return heads


def _look_at(target: Target, reader: FileReader, given: Range | None) -> Found:
    found = Found()
    encoded = []
    for item, head in _heads(target, reader).items():
        if not head and item.digest != _EMPTY:
            found.is_whole = False
        elif is_plain(head):
            continue
        elif kind := plugin_kind(head):
            found.plugins.add(PLUGINS[kind].version)
        else:
            encoded.append(item)
    if not encoded:
        return found
    target.prepare(encoded)
    with ThreadPoolExecutor(_THREADS) as pool:
        for some in _slices(encoded):
            settled = {name for name, group in found.groups.items() if group.is_settled(name)}

            def look(item: Sample, settled: set[str] = settled) -> tuple[Samples, Range | None]:
                return _look_into(reader.encoded(item), settled, given)

            for item, (samples, ends) in zip(some, pool.map(look, some), strict=True):
                _note(found, item, samples, ends)
    return found


def _slices(items: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]


def _note(found: Found, item: Sample, samples: Samples, ends: Range | None) -> None:
    if samples.group:
        group = found.groups[samples.group]
        group.members.append(item)
        group.add(samples.declared)
        group.add(ends)
    if samples.inverted:
        found.counts["white is zero"] += 1
    if samples.surplus:
        found.counts["no alpha"] += 1
    if samples.mended:
        found.counts["mended"] += 1


def _look_into(
    data: bytes, settled: Iterable[str], given: Range | None
) -> tuple[Samples, Range | None]:
    """An image's samples, and their smallest and largest value where the choice needs them."""
    try:
        with reasons(), opened(data) as stream, open_image(stream) as image:
            samples = describe(image, stream)
            if given is not None or not _is_open(samples, settled):
                return samples, None
            return samples, _ends(read_values(image, samples, stream, None), samples)
    except UnreadableImage:  # which is found and said when it is decoded
        return Samples(), None


def _is_open(samples: Samples, settled: Iterable[str]) -> bool:
    name = samples.group
    if name in settled:
        return name == INTEGER and not samples.bounded
    return name in (INTEGER, FLOAT) or name.startswith(SIGNIFICANT)


def _ends(values: object, samples: Samples) -> Range | None:
    """The smallest and the largest value of the colours."""
    array = np.asarray(values)
    if array.ndim == 3:
        n_colours = 1 if array.shape[2] == 2 else 3
        array = array[..., :n_colours]
    if samples.group == FLOAT:
        array = array[np.isfinite(array)]
    return (float(array.min()), float(array.max())) if array.size else None
