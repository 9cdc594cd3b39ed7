from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, in_blocks

from featrank.labelled import log_determinants
from featrank.labelled.held_out import FoldedLayer
from featrank.labelled.labelled import Labelled
from featrank.labelled.log_determinants import rate_reduction


@pytest.mark.parametrize("case", ["imbalanced", "60x256x3"])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("held", [2**25, 1])
@pytest.mark.parametrize("streamed", [True, False])
def test_equals_the_determinants(monkeypatch, case, centred, held, streamed):
    monkeypatch.setattr(log_determinants, "_HELD_VALUES", held)
    features, labels = features_of(case)
    labelled = Labelled.from_arrays(features, labels)
    if streamed:
        labelled = Labelled.from_blocks(in_blocks(features, labels))
    z = features.astype(np.float64)
    if centred:
        z -= z.mean(axis=0)

    def rate(rows):
        return 0.5 * np.linalg.slogdet(np.eye(z.shape[1]) + 3.0 / len(rows) * rows.T @ rows)[1]

    parts = sum((labels == c).mean() * rate(z[labels == c]) for c in np.unique(labels))
    found = rate_reduction(FoldedLayer(labelled, 5, 0), 3.0, centred=centred)
    assert found == pytest.approx((rate(z), parts), rel=1e-10)
