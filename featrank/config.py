"""The settings of a run, checked once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from featrank.errors import InputError
from featrank.records import LAST, POOLINGS, Selection, Shuffles
from featrank.storage.digest import digest_json

T = TypeVar("T")

CACHE_MODES = ("reuse", "refresh", "only", "off")
DEFAULT_METRICS = ("tmi", "gda", "nb")
DEFAULT_BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What the user asked for.

    Attributes:
        dataset: The target, as typed.
        models: Names and wildcards, as typed.
        metrics: Names and wildcards of metrics.
        by: The metric to order by; None for the mean rank.
        null: Label permutations that each metric scores as well; None for none.
        layers: Which layers, as typed; see :mod:`featrank.layers.names`.
        pool: How a map becomes a vector.
        selection: Split and subset.
        root: The folder that the paths of a manifest may not leave; None for the manifest's own.
        strict: Whether an unusable image is an error.
        allow_skipped: Whether more unusable images are accepted than a few in a hundred.
        allow_partial: Whether a checkpoint may lack more than the head.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: float32 or bfloat16.
        batch_size: Images a forward pass.
        workers: Decoding processes; None for one a processor.
        cache: reuse, refresh, only or off.
        cache_dir: Where the cache is.
        rows_per_part: Bound on the rows of one cache file; None to choose by the target's size.
        shard: Which share of the models is ours, as in ``2/8``; None for all of them.

    Raises:
        InputError: A value out of its range; the message names the flag.
    """

    dataset: str
    models: tuple[str, ...]
    metrics: tuple[str, ...] = DEFAULT_METRICS
    by: str | None = None
    null: int | None = None
    layers: str = LAST
    pool: str = "auto"
    selection: Selection = field(default_factory=Selection)
    root: Path | None = None
    strict: bool = False
    allow_skipped: bool = False
    allow_partial: bool = False
    device: str = "auto"
    precision: str = "float32"
    batch_size: int = DEFAULT_BATCH_SIZE
    workers: int | None = None
    cache: str = "reuse"
    cache_dir: Path | None = None
    rows_per_part: int | None = None
    shard: str | None = None

    def __post_init__(self) -> None:
        _at_least("--batch-size", self.batch_size, 1)
        check_permutations(self.null)
        _at_least("--workers", self.workers, 0)
        _at_least("--part-rows", self.rows_per_part, 1)
        _at_least("--limit-per-class", self.selection.limit_per_class, 1)
        _at_least("--max-images", self.selection.max_images, 1)
        _at_least("--min-per-class", self.selection.min_per_class, 1)
        _at_least("--shots", self.selection.shots, 1)
        _one_of("--cache", self.cache, CACHE_MODES)
        check_pooling(self.pool)
        _check_device(self.device)
        _one_of("--precision", self.precision, ("float32", "bfloat16"))
        _parse_shard(self.shard)

    def own_share(self, candidates: Sequence[T]) -> list[T]:
        """Every N-th candidate from the I-th on, where the shard is I/N; all without one."""
        number, of = _parse_shard(self.shard)
        return list(candidates[number - 1 :: of])

    def stamp_facts(self, target: str) -> dict[str, Any]:
        """What the stamp says beside versions.

        Args:
            target: The target's fingerprint.
        """
        return {
            "device": self.device,
            "precision": self.precision,
            "seeds": {"subset": self.selection.seed},
            "hashes": {"target": target, "config": digest_json(self.document)},
        }

    @property
    def shuffles(self) -> Shuffles | None:
        """The label permutations, drawn from the run's seed."""
        return None if self.null is None else Shuffles(self.null, self.selection.seed)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, for the result."""
        paths = {"cache_dir": self.cache_dir, "root": self.root}
        document = asdict(self) | {
            name: str(path) if path else None for name, path in paths.items()
        }
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in document.items()
            if value is not None
        }


def check_permutations(count: int | None) -> None:
    """Refuse a number of label permutations that is none.

    Raises:
        InputError: It is less than one.
    """
    _at_least("--null", count, 1)


def check_seeds(count: int) -> None:
    """Refuse a number of seeds that is none.

    Raises:
        InputError: It is less than one.
    """
    _at_least("--seeds", count, 1)


def check_pooling(pooling: str) -> None:
    """Refuse what is no pooling.

    Raises:
        InputError: It is unknown.
    """
    _one_of("--pool", pooling, POOLINGS)


def _parse_shard(text: str | None) -> tuple[int, int]:
    """The share's number, from 1, and how many shares there are."""
    if text is None:
        return 1, 1
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    number, of = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= of:
        raise InputError(
            f"--shard '{text}' is not one of N shares", "write I/N with I from 1 to N: --shard 2/8"
        )
    return number, of


def _at_least(flag: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise InputError(f"{flag} must be at least {least}, got {value}", f"try {flag} {least}")


def _check_device(value: str) -> None:
    """Whether it is here is for PyTorch to say, later."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:(0|[1-9][0-9]{0,2}))?", value):
        raise InputError(
            f"--device '{value}' is unknown",
            "known: auto, cpu, cuda, cuda:N (the N-th GPU, from 0), mps",
        )


def _one_of(flag: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{flag} '{value}' is unknown", f"known: {', '.join(known)}")
