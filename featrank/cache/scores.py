"""Scores kept beside the features they were computed from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from featrank.atomic import write_text
from featrank.records import MetricScore, Score, digest_json


class ScoreStore:
    """The scores of one layer.

    A score is found only under the same stored numbers, metric, version and parameters.

    Args:
        directory: The layer's directory.
        features_digest: Identifies the stored features.
    """

    def __init__(self, directory: Path, features_digest: str) -> None:
        self._directory = directory / "_scores"
        self._digest = features_digest

    def get(self, metric: str, version: int, params: Mapping[str, Any]) -> MetricScore | None:
        """A kept score, or None."""
        key = self._key(metric, version, params)
        try:
            document = json.loads(self._path(key).read_bytes())
            if document["key"] != key:
                return None
            score = Score(**document["score"]) if document["score"] is not None else None
            return MetricScore(
                metric, version, params, document["higher_is_better"], score, document["reason"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            # Lost or damaged: it is computed again.
            return None

    def put(self, scored: MetricScore) -> None:
        """Keep a score; a cache that cannot be written only costs the next run its time."""
        key = self._key(scored.metric, scored.version, scored.params)
        score = scored.score
        document = {
            "key": key,
            "higher_is_better": scored.higher_is_better,
            "score": None
            if score is None
            else {
                "value": score.value,
                "tie_break": score.tie_break,
                "details": dict(score.details),
            },
            "reason": scored.reason,
        }
        with suppress(OSError):
            write_text(self._path(key), json.dumps(document, indent=1) + "\n")

    def _key(self, metric: str, version: int, params: Mapping[str, Any]) -> dict[str, Any]:
        key = {
            "features": self._digest,
            "metric": metric,
            "version": version,
            "params": dict(params),
        }
        # As it comes back from disk, so that tuples and lists compare equal.
        normalised: dict[str, Any] = json.loads(json.dumps(key))
        return normalised

    def _path(self, key: Mapping[str, Any]) -> Path:
        return self._directory / f"{key['metric']}.{digest_json(key)[:16]}.json"
