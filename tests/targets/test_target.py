"""What follows from a target's samples."""

from __future__ import annotations

from featrank.targets import Sample, Target
from featrank.targets._target import digest_pixels


def target(*samples: Sample, name: str = "t", split: str | None = None) -> Target:
    return Target(name, split, samples, read=lambda _: None)


CAT, DOG, HEN = Sample("a", "cat", "1"), Sample("b", "dog", "2"), Sample("c", "cat", "3")


def test_labels_index_the_sorted_class_names() -> None:
    result = target(DOG, CAT, HEN)
    assert result.class_names == ("cat", "dog")
    assert result.labels == (1, 0, 0)
    assert dict(result.class_counts) == {"cat": 2, "dog": 1}


def test_fingerprint_is_of_classes_and_contents() -> None:
    reference = target(CAT, DOG).fingerprint
    moved = target(Sample("x", "cat", "1"), DOG, name="other", split="val")
    assert moved.fingerprint == reference
    assert target(Sample("a", "cow", "1"), DOG).fingerprint != reference
    assert target(Sample("a", "cat", "9"), DOG).fingerprint != reference
    assert target(CAT).fingerprint != reference


def test_fingerprint_keeps_class_and_content_apart() -> None:
    assert target(Sample("a", "x1", "2")).fingerprint != target(Sample("a", "x", "12")).fingerprint


def test_groups_are_part_of_the_fingerprint_where_there_are_any() -> None:
    in_groups = target(Sample("a", "cat", "1", "p"), DOG)
    assert target(CAT, DOG).groups is None
    assert in_groups.groups == ("p", "")
    other = target(Sample("a", "cat", "1", "q"), DOG)
    assert len({one.fingerprint for one in (target(CAT, DOG), in_groups, other)}) == 3


def test_equal_contents_are_counted_and_contradictions_named() -> None:
    twin, other = Sample("d", "cat", "1"), Sample("e", "dog", "1")
    result = target(CAT, HEN, twin, DOG, other)
    assert result.n_duplicates == 2
    assert result.contradictions == ((CAT, other),)
    assert target(CAT, DOG, HEN).contradictions == ()


def test_bare_pixels_are_told_apart_by_shape() -> None:
    digests = {digest_pixels("L", size, b"12") for size in ((1, 2), (2, 1))}
    assert len(digests | {digest_pixels("P", (1, 2), b"12")}) == 3
