"""Short sentences that several metrics say against taking their number at face value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def unpredictable(n_images: int) -> Iterator[str]:
    """Images whose class is absent from the training part, held out."""
    if n_images:
        yield (f"images whose class cannot be learnt without them, counted as wrong: {n_images}")


def too_small(classes: Sequence[str]) -> Iterator[str]:
    """Classes that the formula cannot take in."""
    if classes:
        yield f"classes too small and left out: {', '.join(classes)}"


def classes_of_one(n_classes: int) -> Iterator[str]:
    """Classes of one image, where the formula has a rule for them."""
    if n_classes:
        yield f"classes of one image, which a rule of their own covers: {n_classes}"


def left_out(number: int) -> Iterator[str]:
    """Images or classes that are left out since their class is too small."""
    if number:
        yield f"left out, there being too few of their class: {number}"


def clamped(fraction: float) -> Iterator[str]:
    """Distances that were taken as the least that counts."""
    if fraction:
        yield f"{fraction:.1%} of the distances are clamped"
