"""The only forward loop: images in, features of all wanted layers out, in one pass."""

from __future__ import annotations

# Part of the cache key: raised whenever the same image and weights may give other features.
EXTRACTOR_VERSION = 1

PRECISIONS = ("float32", "bfloat16")
