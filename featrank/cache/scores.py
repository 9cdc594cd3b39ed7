"""Scores and other small results kept beside the features they were computed from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from featrank.records import MetricScore, Null, Score, Shuffles
from featrank.storage.contained import ClaimError, contained
from featrank.storage.damage import put_away
from featrank.storage.digest import digest_json
from featrank.storage.kept_json import read_perhaps_sealed, typed, write_kept


@dataclass(frozen=True, slots=True)
class _Kept:
    higher_is_better: bool
    score: Score | None
    reason: str


@dataclass(frozen=True, slots=True)
class _KeptNull:
    null: Null


class ScoreStore:
    """The scores of one layer.

    A score is found only under the same stored numbers, metric, version, parameters and, where a
    plug-in computes it, package; a null only under the same permutations as well.

    Args:
        directory: The layer's directory.
        features_digest: Identifies the stored features.
    """

    def __init__(self, directory: Path, features_digest: str) -> None:
        self._layer = directory
        self._digest = features_digest

    def get(
        self,
        metric: str,
        version: int,
        params: Mapping[str, Any],
        *,
        origin: str = "",
        shuffles: Shuffles | None = None,
    ) -> MetricScore | None:
        """A kept score, with its null where permutations are asked for; None if either lacks."""
        key = _score_key(metric, version, params, origin)
        try:
            document = self.load(metric, key)
            score = document.get("score")
            if isinstance(score, dict) and "remarks" not in score:
                return None  # of an older release, which kept none
            kept = typed(document, _Kept)
            if (kept.score is None) != bool(kept.reason):
                return None  # no number and no reason, or both: nothing of ours
            better, reason = kept.higher_is_better, kept.reason
            scored = MetricScore(metric, version, params, better, kept.score, reason, origin=origin)
            if shuffles is not None and kept.score is not None:
                null = typed(self.load(f"{metric}.null", _null_key(key, shuffles)), _KeptNull)
                scored = replace(scored, null=null.null)
        except (OSError, ClaimError):
            # Lost or damaged: it is computed again.
            return None
        return scored

    def put(self, scored: MetricScore, shuffles: Shuffles | None = None) -> None:
        """Keep a score and its null, which these permutations made."""
        key = _score_key(scored.metric, scored.version, scored.params, scored.origin)
        score = scored.score
        result = {
            "higher_is_better": scored.higher_is_better,
            "score": None if score is None else {**asdict(score), "details": dict(score.details)},
            "reason": scored.reason,
        }
        self.keep(scored.metric, key, result)
        if shuffles is not None and scored.null is not None:
            null = {"null": asdict(scored.null)}
            self.keep(f"{scored.metric}.null", _null_key(key, shuffles), null)

    def load(self, name: str, key: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept under a name and a key.

        Raises:
            OSError: It is not there.
            ClaimError: It is damaged, and set aside, or another key's.
        """
        whole = self._whole(key)
        path = self._path(name, whole)
        try:
            document, sealed = read_perhaps_sealed(self._layer, path)
        except ClaimError as error:
            put_away(self._layer, path, error)
            raise
        if not sealed:
            raise ClaimError("of an older release, which gave it no checksum")
        if document.pop("key", None) != whole:
            raise ClaimError("another key's")
        return document

    def keep(self, name: str, key: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Keep a result; a cache that cannot be written only costs the next run its time."""
        whole = self._whole(key)
        path = self._path(name, whole)
        with suppress(OSError, ClaimError):
            write_kept(contained(self._layer, path), {"key": whole, **result})

    def _whole(self, key: Mapping[str, Any]) -> dict[str, Any]:
        # As it comes back from disk, so that tuples and lists compare equal.
        whole: dict[str, Any] = json.loads(json.dumps({"features": self._digest, **key}))
        return whole

    def _path(self, name: str, key: Mapping[str, Any]) -> Path:
        return self._layer / "_scores" / f"{name}.{digest_json(key)[:16]}.json"


def _score_key(metric: str, version: int, params: Mapping[str, Any], origin: str) -> dict[str, Any]:
    key = {"metric": metric, "version": version, "params": dict(params)}
    return {**key, "origin": origin} if origin else key


def _null_key(score_key: Mapping[str, Any], shuffles: Shuffles) -> dict[str, Any]:
    return {**score_key, "null": asdict(shuffles)}
