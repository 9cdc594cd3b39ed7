from __future__ import annotations

import hashlib

from featrank.storage.digest import digest_json


def test_the_spelling_does_not_count() -> None:
    expected = hashlib.sha256(b'{"a":[1,2.5,null],"b":"\\u00e9"}').hexdigest()
    assert digest_json({"b": "é", "a": (1, 2.5, None)}) == expected


def test_a_type_does() -> None:
    assert len({digest_json(value) for value in (1, 1.0, "1", True, None)}) == 5
