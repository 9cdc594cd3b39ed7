"""The kinds of file that one run keeps for another, and how each is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stress_campaigns.bench import Bench, Ended, numbers


@dataclass(frozen=True)
class Kind:
    """A kind of kept file.

    Attributes:
        pattern: Where it lies below the bench's folder of kept files.
        command: The run that reads it.
        said: What of that run must not change.
        is_json: Whether it is a JSON document.
    """

    pattern: str
    command: Callable[[Bench], tuple[str, ...]]
    said: Callable[[str], str] = numbers
    is_json: bool = True

    def paths(self, bench: Bench) -> list[Path]:
        """The files of this kind."""
        return sorted(bench.kept.glob(self.pattern))


def _rank(bench: Bench) -> tuple[str, ...]:
    return bench.rank


def _models(*patterns: str) -> Callable[[Bench], tuple[str, ...]]:
    return lambda _: ("models", *patterns, "--json")


KINDS = {
    "part": Kind("cache/features/*/*/part-*.parquet", _rank, is_json=False),
    "manifest": Kind("cache/features/*/*/_manifest.json", _rank),
    "score": Kind("cache/features/*/*/_scores/*.json", _rank),
    "layer index": Kind("cache/layers/*.json", _rank),
    "file hashes": Kind("cache/file-hashes.sqlite", _rank, is_json=False),
    "timm index": Kind("cache/timm-*.json", _models("test_*", "resnet*"), str),
    "torchvision index": Kind("cache/torchvision-*.json", _models("torchvision:resnet*"), str),
    "result": Kind(
        "result.json", lambda bench: ("table", str(bench.result), "--format", "json", "-q")
    ),
}


def read_again(bench: Bench, kind: Kind, right: str) -> tuple[str, str]:
    """Run what reads a disturbed file, and run it again where it refused.

    Returns:
        The outcome, and what is wrong with it; empty where nothing is.
    """
    first = bench.run(*kind.command(bench))
    if first.wrong:
        return "crash", first.wrong
    if first.code == 0:
        return _judge(first, kind, right, first.err)
    if kind is KINDS["result"]:
        return "refused", ""
    second = bench.run(*kind.command(bench))
    if second.wrong or second.code:
        return "not healed", f"{first.err[-200:]!r}, then {second.err[-200:]!r} {second.wrong}"
    return _judge(second, kind, right, first.err + second.err)


def _judge(ended: Ended, kind: Kind, right: str, talk: str) -> tuple[str, str]:
    if kind.said(ended.out) != right:
        if "was changed after" in talk:
            return "other numbers, and said", ""
        return "other numbers", f"other numbers, said: {talk[-200:]!r}"
    return ("healed and said" if "damaged" in talk else "the same numbers"), ""
