from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stored_layers import digits, pixels, store_layer

from featrank.cache.store import FeatureStore
from featrank.records import ModelRef, Offered, Skipped
from featrank.run.plan import Candidate
from featrank.run.ranked import describe
from featrank.storage.file_hashes import FileHashes


def test_a_target_is_described_without_what_turned_out_unreadable(tmp_path: Path) -> None:
    target = replace(digits(6), skipped=(Skipped("link", "broken link"),))
    store = FeatureStore(tmp_path, FileHashes(), print)
    layer = store_layer(store, target, pixels(target), skip=(0, 1, 59))
    store.lease.close()
    model = ModelRef("flat", "timm", "flat", "flat")
    before, after = (
        describe(target, [Candidate(model), *more])
        for more in ([], [Candidate(model, layer=layer)])
    )
    assert before.class_counts == {str(i): 6 for i in range(10)}
    assert before.skipped == target.skipped
    assert after.class_counts == {**before.class_counts, "0": 4, "9": 5}
    assert [skip.path for skip in after.skipped] == [
        "link", *(target.samples[row].path for row in (0, 1, 59)),
    ]  # fmt: skip
    assert (after.name, after.fingerprint) == ("digits", target.fingerprint)
    assert after.offered == Offered(1797, 10)
