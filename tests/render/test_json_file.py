from pathlib import Path

import pytest

from featrank.render import json_file


def test_nan_never_reaches_a_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_file.write(tmp_path / "r.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []
