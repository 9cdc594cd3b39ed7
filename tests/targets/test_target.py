"""What follows from a target's samples."""

from __future__ import annotations

from featrank.targets.target import Sample, Target


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
