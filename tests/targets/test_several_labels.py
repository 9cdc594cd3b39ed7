from __future__ import annotations

import pytest

from featrank.errors import InputError
from featrank.targets import NO_DAMAGE
from featrank.targets._several_labels import SeveralLabels


def test_one_label_is_it_however_often_it_is_said() -> None:
    several = SeveralLabels("set", None)
    assert several.choose("1.png", ["a", "", "a"]) == "a"
    assert several.choose("2.png", []) == ""
    assert several.choose("3.png", ["", ""]) == ""
    several.refuse()
    assert several.warnings() == ()


def test_several_are_refused_until_something_is_said() -> None:
    several = SeveralLabels("set", None)
    for name in ("1.png", "2.png"):
        assert several.choose(name, ["b", "a"]) is None
    with pytest.raises(InputError, match=r"2 images .* in 'set', first '1.png' \(b, a\)") as caught:
        several.refuse()
    assert "--multi-label first" in caught.value.hint
    assert "--multi-label skip" in caught.value.hint


def test_first_and_skip() -> None:
    first, skip = SeveralLabels("set", "first"), SeveralLabels("set", "skip")
    assert first.choose("1.png", ["b", "a", "b"]) == "b"
    assert skip.choose("1.png", ["b", "a"]) is None
    first.refuse()
    skip.refuse()
    assert first.warnings() == (
        "1 image has several labels, of which the first counts: '1.png' first",
    )
    assert [(item.path, item.reason) for item in skip.skipped] == [("1.png", "several labels")]
    assert skip.skipped[0].reason in NO_DAMAGE
