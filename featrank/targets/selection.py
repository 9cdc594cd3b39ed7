"""Splits refused, subsets drawn: what ``--split``, ``--limit`` and their like do to samples."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from featrank.errors import InputError
from featrank.records import Selection
from featrank.targets.target import Sample


def canonical(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """In the order every target has: class name, content, path."""
    return tuple(sorted(samples, key=lambda item: (item.class_name, item.digest, item.path)))


def refuse_split(name: str, selection: Selection) -> None:
    """For a target without splits.

    Raises:
        InputError: A split is asked for.
    """
    if selection.split is not None:
        raise InputError(
            f"'{name}' has no splits, so there is no split '{selection.split}'",
            "leave the split out",
        )


def select(samples: Iterable[Sample], selection: Selection) -> tuple[Sample, ...]:
    """The subset that limits and seed pick, in canonical order.

    An image's turn comes from a hash of seed and content. So a subset depends neither on the
    other images nor on a library's random stream, and a smaller limit's images are among a
    larger one's.

    Raises:
        InputError: A limit is below 1, or leaves fewer than two classes.
    """
    _check(selection)
    samples = canonical(samples)
    counts = Counter(sample.class_name for sample in samples)
    if selection.limit_per_class is not None:
        for name in counts:
            counts[name] = min(counts[name], selection.limit_per_class)
    if selection.max_images is not None and selection.max_images < counts.total():
        counts = Counter(proportional(counts, selection.max_images))
    return _draw(samples, counts, selection.seed)


def _check(selection: Selection) -> None:
    for noun, limit in (
        ("images per class", selection.limit_per_class),
        ("images", selection.max_images),
    ):
        if limit is not None and limit < 1:
            raise InputError(f"a limit of {limit} {noun} leaves nothing to score", "give 1 or more")
    if selection.max_images == 1:
        raise InputError(
            "a limit of 1 image in all leaves one class, and scores compare classes",
            "give 2 or more, better 10 a class",
        )


def proportional(counts: Mapping[str, int], total: int) -> dict[str, int]:
    """Share ``total`` among classes by largest remainder, at least one each.

    Where there are more classes than images, the largest classes get one each.
    """
    if total < len(counts):
        largest = sorted(counts, key=lambda name: (-counts[name], name))[:total]
        return dict.fromkeys(largest, 1)
    whole = sum(counts.values())
    shares = {name: max(1, total * count // whole) for name, count in counts.items()}

    def owed(name: str) -> int:
        """How much is missing to the exact share, in units of 1/whole."""
        return total * counts[name] - shares[name] * whole

    # Each pass moves one image; there are fewer passes than classes.
    while (missing := total - sum(shares.values())) != 0:
        if missing > 0:
            shares[max(sorted(shares), key=owed)] += 1
        else:
            shares[min(sorted(name for name in shares if shares[name] > 1), key=owed)] -= 1
    return shares


def _draw(samples: Sequence[Sample], counts: Mapping[str, int], seed: int) -> tuple[Sample, ...]:
    """The first ``counts[class]`` of each class by their turn, in the order of ``samples``."""
    by_class: dict[str, list[Sample]] = {}
    for sample in samples:
        by_class.setdefault(sample.class_name, []).append(sample)

    def turn(sample: Sample) -> bytes:
        return hashlib.sha256(f"{seed}:{sample.digest}".encode()).digest()

    return canonical(
        sample
        for name, members in by_class.items()
        for sample in sorted(members, key=turn)[: counts.get(name, 0)]
    )
