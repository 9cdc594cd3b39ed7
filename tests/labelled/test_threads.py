from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from featrank.labelled.threads import threads_for
from featrank.metrics import METRICS


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize(("multiply_adds", "threads"), [(1e6, {1}), (1e10, {2})])
def test_short_steps_run_on_one_thread_and_long_ones_on_all(multiply_adds, threads):
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2, user_api="blas"):
        with threads_for(multiply_adds):
            assert blas_threads() == threads
        assert blas_threads() == {2}


@pytest.mark.parametrize("name", ["linear", "pactran"])
def test_metrics_that_iterate_ask_for_it(name, monkeypatch):
    import scipy.optimize

    seen = []
    minimise = scipy.optimize.minimize

    def spy(*args, **kwargs):
        seen.append(blas_threads())
        return minimise(*args, **kwargs)

    monkeypatch.setattr(scipy.optimize, "minimize", spy)
    rng = np.random.default_rng(0)
    with threadpool_limits(2, user_api="blas"):
        METRICS.get(name)(rng.standard_normal((30, 4)), np.arange(30) % 3)
    assert seen
    assert all(threads == {1} for threads in seen)
