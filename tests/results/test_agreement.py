import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import weightedtau

from featrank.results.agreement import weighted_tau


@given(st.data(), st.integers(2, 30))
def test_it_is_scipys(data: st.DataObject, n: int) -> None:
    values = st.lists(st.integers(0, 12).map(float), min_size=n, max_size=n)
    x, y = data.draw(values), data.draw(values)
    ours, theirs = weighted_tau(x, y), weightedtau(x, y).statistic
    assert ours == pytest.approx(theirs, abs=1e-12, nan_ok=True)


def test_known_orders() -> None:
    assert weighted_tau([3, 2, 1], [30, 20, 10]) == pytest.approx(1)
    assert weighted_tau([3, 2, 1], [1, 2, 3]) == pytest.approx(-1)
    top, bottom = weighted_tau([4, 3, 2, 1], [3, 4, 2, 1]), weighted_tau([4, 3, 2, 1], [4, 3, 1, 2])
    assert top < bottom < 1
    assert math.isnan(weighted_tau([1, 1], [1, 2]))
    assert math.isnan(weighted_tau(np.empty(0), np.empty(0)))  # type: ignore[arg-type]
