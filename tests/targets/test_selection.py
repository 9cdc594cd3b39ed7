"""Subsets are small, fair, and the same tomorrow."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from featrank.config import Selection
from featrank.errors import InputError
from featrank.records import Skipped
from featrank.targets import Sample, Target
from featrank.targets._selection import (
    canonical,
    narrow,
    proportional,
    select,
    without_ignored,
)


def samples(**counts: int) -> list[Sample]:
    return [
        Sample(f"{name}/{index}", name, hashlib.sha256(f"{name}{index}".encode()).hexdigest())
        for name, count in counts.items()
        for index in range(count)
    ]


def counted(chosen: tuple[Sample, ...]) -> dict[str, int]:
    return dict(Counter(sample.class_name for sample in chosen))


def test_everything_without_limits() -> None:
    everything = samples(b=3, a=2)
    assert select(everything, Selection()) == canonical(everything)


def test_limit_per_class() -> None:
    assert counted(select(samples(a=9, b=2), Selection(limit_per_class=4))) == {"a": 4, "b": 2}


def test_max_images_keeps_proportions() -> None:
    chosen = select(samples(a=60, b=30, c=10), Selection(max_images=20))
    assert counted(chosen) == {"a": 12, "b": 6, "c": 2}


def test_both_limits() -> None:
    selection = Selection(limit_per_class=10, max_images=10)
    assert counted(select(samples(a=60, b=30, c=5), selection)) == {"a": 4, "b": 4, "c": 2}


def test_max_images_beyond_what_there_is() -> None:
    assert len(select(samples(a=3, b=3), Selection(max_images=100))) == 6


def test_small_classes_keep_one() -> None:
    assert counted(select(samples(a=1000, b=1, c=1), Selection(max_images=10)))["c"] == 1


def test_fewer_images_than_classes() -> None:
    assert counted(select(samples(a=5, b=1, c=9), Selection(max_images=2))) == {"a": 1, "c": 1}


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.text(max_size=3), st.integers(1, 200), min_size=2, max_size=12),
    st.integers(2, 500),
)
def test_shares(counts: dict[str, int], total: int) -> None:
    total = min(total, sum(counts.values()))
    shares = proportional(counts, total)
    assert sum(shares.values()) == total
    assert all(1 <= share <= counts[name] for name, share in shares.items())
    if total >= len(counts):
        assert shares.keys() == counts.keys()
        for name, share in shares.items():
            exact = total * counts[name] / sum(counts.values())
            assert share < exact + 1
            assert share > exact - 1 or min(counts.values()) * total < sum(counts.values())


def test_result_is_in_canonical_order() -> None:
    chosen = select(samples(b=20, a=20), Selection(limit_per_class=7))
    assert chosen == canonical(chosen)


def test_depends_on_content_and_seed_alone() -> None:
    everything = samples(a=50, b=50)
    moved = [
        Sample(f"elsewhere/{index}", sample.class_name, sample.digest)
        for index, sample in enumerate(reversed(everything))
    ]
    selection = Selection(limit_per_class=5, seed=3)
    digests = [sample.digest for sample in select(everything, selection)]
    assert digests == [sample.digest for sample in select(moved, selection)]
    other = Selection(limit_per_class=5, seed=4)
    assert digests != [sample.digest for sample in select(everything, other)]


def test_known_choice() -> None:
    """A change here changes what users' seeds mean."""
    chosen = select(samples(a=20, b=20), Selection(limit_per_class=2, seed=0))
    assert sorted(sample.path for sample in chosen) == ["a/0", "a/1", "b/4", "b/7"]


def test_smaller_limits_choose_among_the_same_images() -> None:
    everything = samples(a=50, b=50)
    few = select(everything, Selection(limit_per_class=5))
    assert set(few) < set(select(everything, Selection(limit_per_class=10)))


def test_other_classes_do_not_matter() -> None:
    selection = Selection(limit_per_class=5)
    alone = select(samples(a=50), selection)
    assert set(alone) < set(select(samples(a=50, b=50), selection))


@pytest.mark.parametrize(
    "selection",
    [
        Selection(limit_per_class=0),
        Selection(limit_per_class=-1),
        Selection(max_images=0),
        Selection(max_images=1),
    ],
)
def test_senseless_limits(selection: Selection) -> None:
    with pytest.raises(InputError, match="a limit of"):
        select(samples(a=3, b=3), selection)


def chosen_classes(**selection: object) -> dict[str, int]:
    return counted(select(samples(cat=9, dog=5, **{"big cat": 3}), Selection(**selection)))


def test_classes() -> None:
    assert chosen_classes(classes=("dog", "cat")) == {"cat": 9, "dog": 5}
    assert chosen_classes(classes=("*cat",)) == {"cat": 9, "big cat": 3}
    assert chosen_classes(exclude_classes=("*cat",)) == {"dog": 5}
    assert chosen_classes(min_per_class=5) == {"cat": 9, "dog": 5}
    assert chosen_classes(classes=("*cat",), exclude_classes=("big*",)) == {"cat": 9}


def test_a_class_that_looks_like_a_wildcard() -> None:
    odd = samples(**{"[a]": 3, "a": 2})
    assert counted(select(odd, Selection(classes=("[a]",)))) == {"[a]": 3}


@pytest.mark.parametrize("flag", ["classes", "exclude_classes"])
def test_an_unknown_class(flag: str) -> None:
    with pytest.raises(InputError, match="no class 'dgo'") as caught:
        chosen_classes(**{flag: ("dgo",)})
    assert "dog" in caught.value.hint


def test_shots_are_exact() -> None:
    assert chosen_classes(shots=3) == {"cat": 3, "dog": 3, "big cat": 3}
    with pytest.raises(InputError, match=r"2 classes have fewer images: big cat \(3\), dog") as few:
        chosen_classes(shots=6)
    assert "--min-per-class 6" in few.value.hint
    assert chosen_classes(shots=5, min_per_class=5) == {"cat": 5, "dog": 5}


def test_shots_are_the_first_of_a_limit() -> None:
    everything = samples(a=9, b=9)
    shots = select(everything, Selection(shots=4, seed=2))
    assert shots == select(everything, Selection(limit_per_class=4, seed=2))


def test_narrowing_counts_before_and_after() -> None:
    whole = Target("t", None, canonical(samples(a=9, b=5, c=1)), lambda _: None)
    assert narrow(whole, Selection()).offered is None
    narrowed = narrow(whole, Selection(min_per_class=5, limit_per_class=4))
    assert narrowed.offered == {"a": 9, "b": 5, "c": 1}
    assert dict(narrowed.class_counts) == {"a": 4, "b": 4}
    assert narrowed.fingerprint != whole.fingerprint


@pytest.mark.parametrize(
    ("selection", "left"),
    [(Selection(classes=("a",)), "'a' alone"), (Selection(min_per_class=50), "nothing")],
)
def test_fewer_than_two_classes(selection: Selection, left: str) -> None:
    whole = Target("t", None, canonical(samples(a=9, b=5)), lambda _: None)
    with pytest.raises(InputError, match=f"leaves {left}") as caught:
        narrow(whole, selection)
    assert "a (9), b (5)" in caught.value.hint


def test_labels_of_which_nearly_every_one_is_another_are_no_classes() -> None:
    def target(n_images: int, n_classes: int) -> Target:
        samples = [Sample(str(i), f"c{i % n_classes}", f"{i:064}") for i in range(n_images)]
        return Target("t", None, canonical(samples), _unread)

    for n_images, n_classes in ((10, 10), (100, 95)):
        with pytest.raises(InputError, match=f"{n_classes} different labels, .*: captions"):
            narrow(target(n_images, n_classes), Selection())
    for n_images, n_classes in ((9, 9), (10, 9), (100, 90)):
        assert len(narrow(target(n_images, n_classes), Selection()).class_names) == n_classes


def _unread(_: Sample) -> Image.Image:
    raise AssertionError


def test_classes_that_stand_for_no_label() -> None:
    samples = tuple(Sample(f"{i}.png", name, str(i)) for i, name in enumerate("aab?"))
    target = Target("x", None, samples, lambda _: None)  # type: ignore[arg-type, return-value]
    left = without_ignored(target, ["[?]"])
    assert left.class_counts == {"a": 2, "b": 1}
    assert left.skipped == (Skipped("3.png", "no label"),)
    assert without_ignored(target, []) is target
    with pytest.raises(InputError, match="--ignore-label: no class 'c'"):
        without_ignored(target, ["c"])
