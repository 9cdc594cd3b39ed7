from __future__ import annotations

import json
import re

import pytest

from featrank.metrics import METRICS, describe
from featrank.metrics._description import formula


@pytest.mark.parametrize("metric", list(METRICS), ids=lambda metric: metric.name)
def test_a_description_is_json_and_holds_formula_and_reference(metric):
    document = json.loads(json.dumps(describe(metric), allow_nan=False))
    assert document["origin"] == "featrank"
    assert len(document["formula"]) > 100
    assert "Args:" not in document["formula"]
    assert re.search(r"(19|20)\d\d", document["formula"]) or "ours" in document["summary"]
    for said, bound in zip(document["bounds"], metric.bounds, strict=True):
        assert said == bound or (said is None and abs(bound) == float("inf"))


def test_the_formula_ends_where_the_arguments_begin():
    text = formula(METRICS.get("nce"))
    assert text.startswith("-H(Y | Z)")
    assert "NCE = Σ_{y,z} P(y, z) ln(P(y, z) / P(z))" in text
    assert text.endswith("the first counts.")
