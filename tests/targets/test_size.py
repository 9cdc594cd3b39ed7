from __future__ import annotations

import pytest

from featrank.targets import UnreadableImage
from featrank.targets._size import MAX_PIXELS, refuse_oversized


def test_the_largest_is_read_and_no_larger_one() -> None:
    refuse_oversized(MAX_PIXELS, 1)
    with pytest.raises(UnreadableImage, match="oversized: 89,478,486 pixels"):
        refuse_oversized(1, MAX_PIXELS + 1)
