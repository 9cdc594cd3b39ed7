from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from image_sets import digit_pictures

from featrank.errors import IncompleteError
from featrank.targets import Sample
from featrank.targets._decode import to_rgb
from featrank.targets._spans import Span, SpanReader


def test_reads_what_was_listed_and_nothing_else(tmp_path: Path) -> None:
    data = digit_pictures(1)[0].data
    (tmp_path / "box").write_bytes(b"before" + data + b"after")
    digest = hashlib.sha256(data).hexdigest()
    read = pickle.loads(pickle.dumps(SpanReader({digest: Span(tmp_path / "box", 6, len(data))})))
    assert np.array_equal(read(Sample("a", "x", digest)), to_rgb(data))
    (tmp_path / "box").write_bytes(b"shifted" + data)
    with pytest.raises(IncompleteError, match="changed"):
        read(Sample("a", "x", digest))
    (tmp_path / "box").unlink()
    with pytest.raises(IncompleteError, match="No such file"):
        read(Sample("a", "x", digest))
