"""Subsets: what ``--classes``, ``--limit-per-class`` and their like do to a target."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from featrank.config import Selection
from featrank.errors import InputError
from featrank.records import Skipped
from featrank.registry import did_you_mean
from featrank.targets._target import NO_LABEL, Sample, Target


def canonical(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """In the order every target has: class name, content, path."""
    return tuple(sorted(samples, key=lambda item: (item.class_name, item.digest, item.path)))


def narrow(target: Target, selection: Selection) -> Target:
    """A target with the subset that a selection picks.

    Raises:
        InputError: No image at all, a limit is below 1, a class is unknown, or fewer than two
            classes are left.
    """
    if not target.samples:
        why = [
            f": {len(target.skipped)} skipped, first {s.path}: {s.reason}" for s in target.skipped
        ]
        raise InputError(
            f"no usable image in '{target.name}'{''.join(why[:1])}{_seen(target, skipped=False)}",
            "check what it lists",
        )
    _refuse_unique_labels(target)
    chosen = select(target.samples, selection)
    if len({sample.class_name for sample in chosen}) < 2:
        left = f"'{chosen[0].class_name}' alone" if chosen else "nothing"
        raise InputError(
            f"scores compare classes, and the selection leaves {left} of '{target.name}'"
            f"{_seen(target)}",
            "choose two or more of its classes: "
            + ", ".join(f"{name} ({count})" for name, count in _largest(target.class_counts)),
        )
    offered = target.class_counts if len(chosen) < len(target.samples) else None
    return dataclasses.replace(target, samples=chosen, offered=offered)


def _seen(target: Target, *, skipped: bool = True) -> str:
    """What else was seen, where too little is left."""
    seen = [f"{len(target.skipped)} skipped, first {s.path}: {s.reason}" for s in target.skipped]
    return "".join(f"; {line}" for line in (*seen[: int(skipped)], *target.warnings[:2]))


def without_ignored(target: Target, ignored: Sequence[str]) -> Target:
    """A target whose images of some classes count as having no label.

    Args:
        target: The target.
        ignored: Names and wildcards of the classes.

    Raises:
        InputError: One of them means nothing.
    """
    if not ignored:
        return target
    names = _matches(ignored, target.class_names, "--ignore-label")
    kept = tuple(sample for sample in target.samples if sample.class_name not in names)
    left = (Skipped(s.path, NO_LABEL) for s in target.samples if s.class_name in names)
    return dataclasses.replace(target, samples=kept, skipped=(*target.skipped, *left))


# From so many images on, labels of which nearly every one is another are no classes.
_FEW = 10
_NEARLY_ALL = 0.9


def _refuse_unique_labels(target: Target) -> None:
    n_images, n_classes = len(target.samples), len(target.class_names)
    if n_images >= _FEW and n_classes > _NEARLY_ALL * n_images:
        raise InputError(
            f"{n_images} images of '{target.name}' have {n_classes} different labels, such as"
            f" '{target.class_names[0][:60]}': captions or ids, no classes",
            "name classes that several images share",
        )


def select(samples: Iterable[Sample], selection: Selection) -> tuple[Sample, ...]:
    """The subset that classes, limits and seed pick, in canonical order.

    An image's turn comes from a hash of seed and content. So a subset depends neither on the
    other images nor on a library's random stream, and a smaller limit's images are among a
    larger one's.

    Raises:
        InputError: A limit is below 1, a class is unknown, or has fewer images than shots.
    """
    _check(selection)
    samples = canonical(samples)
    counts = _chosen_classes(Counter(sample.class_name for sample in samples), selection)
    if selection.shots is not None:
        _refuse_fewer(counts, selection.shots)
    for limit in (selection.limit_per_class, selection.shots):
        if limit is not None:
            counts = Counter({name: min(count, limit) for name, count in counts.items()})
    if selection.max_images is not None and selection.max_images < counts.total():
        counts = Counter(proportional(counts, selection.max_images))
    return _draw(samples, counts, selection.seed)


def _chosen_classes(counts: Counter[str], selection: Selection) -> Counter[str]:
    """The classes that are named, not excluded, and large enough."""
    kept = _matches(selection.classes, counts, "--classes") if selection.classes else set(counts)
    kept -= _matches(selection.exclude_classes, counts, "--exclude-classes")
    least = selection.min_per_class or 0
    return Counter({name: n for name, n in counts.items() if name in kept and n >= least})


def _matches(patterns: Iterable[str], known: Collection[str], flag: str) -> set[str]:
    """The classes that names and wildcards mean; a name that is a class is no wildcard.

    Raises:
        InputError: One of them means nothing.
    """
    found: set[str] = set()
    for pattern in patterns:
        matches = [pattern] if pattern in known else fnmatch.filter(known, pattern)
        if not matches:
            raise InputError(
                f"{flag}: no class '{pattern}'",
                did_you_mean(pattern, known, f"there is: {', '.join(sorted(known)[:20])}"),
            )
        found.update(matches)
    return found


def _refuse_fewer(counts: Mapping[str, int], shots: int) -> None:
    few = [f"{name} ({count})" for name, count in sorted(counts.items()) if count < shots]
    if few:
        raise InputError(
            f"--shots {shots}: {len(few)} classes have fewer images: {', '.join(few[:10])}",
            f"leave them out with --min-per-class {shots}, or take what there is with"
            f" --limit-per-class {shots}",
        )


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]


def _check(selection: Selection) -> None:
    for noun, limit in (
        ("images per class", selection.limit_per_class),
        ("shots", selection.shots),
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
