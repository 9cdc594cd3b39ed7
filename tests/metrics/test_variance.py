import numpy as np
import pytest

from featrank.labelled.labelled import Labelled
from featrank.metrics import _variance as variance


@pytest.mark.parametrize("block_values", [5, 2**23])
def test_scatters_are_the_traces(block_values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variance, "_BLOCK_VALUES", block_values)
    rng = np.random.default_rng(0)
    features = (rng.standard_normal((20, 4)) + 1000).astype(np.float32)
    labels = np.arange(20) % 3
    labelled = Labelled.from_arrays(features, labels)
    z = features.astype(np.float64)
    assert variance.total_scatter(labelled) == pytest.approx(20 * z.var(axis=0).sum(), rel=1e-9)
    within = sum((labels == c).sum() * z[labels == c].var(axis=0).sum() for c in range(3))
    assert variance.within_scatter(labelled) == pytest.approx(within, rel=1e-9)
