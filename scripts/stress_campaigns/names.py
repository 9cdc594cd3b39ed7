"""Hostile names of classes, images, caches and outputs: the same features, and nothing obeyed."""

from __future__ import annotations

import os
import random
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from stress_campaigns.bench import MODEL, Bench
from stress_campaigns.figures import Figures

_NAMES = (
    "-rf",
    "--help",
    "a\nb",
    "a\r\nb",
    "::error::pwn",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;own\x07",
    "<script>",
    "[bold red]x[/bold red]",
    "a|b `c` [x](y)",
    "=cmd|' C'!A0",
    "{{ 7*7 }}",
    "%s%n{0.__class__}",
    "~",
    "$(touch x)",
    "`touch x`",
    "*",
    "a,b;c",
    "\u202egnp.exe",
    "\u200b",
    "e\u0301" * 3,
    "é",
    "\U0001f600",
    " ",
    " lead",
    "trail ",
    ".",
    "a\tb",
    "\\",
    "C:\\x",
    "\x7f",
    "\x85",
    "con",
    "x" * 200,
    "'",
    '"',
    "#",
    "&amp;",
    "?a=b",
    "a@b",
    "a:b",
    "\udcff\udcfe",
)
_FORMATS = ("json", "csv", "md", "html", "parquet")


def run(count: int, rng: random.Random, bench: Bench) -> Figures:
    """Give everything a name from the list, or one made of several, and rank."""
    figures = Figures()
    images = bench.images("images", 10)
    pictures = [sorted(folder.iterdir()) for folder in sorted(images.iterdir())]
    plain = bench.place / "plain names"
    reference = _rank(figures, bench, images, (plain, plain), "plain")
    for _ in range(count):
        root = bench.place / "hostile"
        shutil.rmtree(root, ignore_errors=True)
        target, out = root / _name(rng), root / f"out {_name(rng)}"
        cache = root / f"cache {_name(rng)}"
        out.mkdir(parents=True)
        for number, paths in enumerate(pictures):
            folder = target / f"{_name(rng)}{number}"
            folder.mkdir(parents=True)
            for i, path in enumerate(paths):
                shutil.copyfile(path, folder / f"{_name(rng)}{i}.png")
        features = _rank(figures, bench, target, (cache, out), repr(os.fsencode(target.name)))
        figures.count("the same features" if features == reference else "other features")
        if features != reference:
            figures.fault(f"names: {os.fsencode(target)!r}: other features")
    shutil.rmtree(bench.place / "hostile", ignore_errors=True)
    return figures


def _name(rng: random.Random) -> str:
    name = "".join(rng.sample(_NAMES, rng.choice((1, 1, 1, 2)))).replace("/", "∕")
    while len(os.fsencode(name)) > 150:
        name = name[:-1]
    return name.lstrip(".") or "x"  # hidden files are no images, on purpose


def _rank(
    figures: Figures, bench: Bench, target: Path, places: tuple[Path, Path], what: str
) -> dict[str, bytes]:  # fmt: skip
    """The features by image content, after a rank that prints and writes everything."""
    cache, out = places
    out.mkdir(exist_ok=True)
    outputs = [part for form in _FORMATS for part in ("-o", str(out / f"result.{form}"))]
    command = ["rank", "--dataset", str(target), "--models", MODEL, "--workers", "0", *outputs]
    for arguments in (
        (*command, "--github"), ("cache", "list"), ("cache", "verify"),
        ("table", str(out / "result.json")), ("table", str(out / "result.json"), "--format", "md"),
    ):  # fmt: skip
        ended = bench.run(*arguments, cache=cache)
        if ended.wrong or ended.code:
            figures.fault(
                f"names: {what}: {arguments[0]}: exit {ended.code} {ended.wrong or ended.err[-99:]}"
            )
        obeyed = [line for line in ended.out.splitlines() if line.lstrip().startswith("::error::")]
        if bad := _controls(ended.out + ended.err):
            figures.fault(f"names: {what}: {arguments[0]}: control characters {bad}")
        if obeyed:
            figures.fault(f"names: {what}: {arguments[0]}: a command for GitHub {obeyed[0]!r}")
    return _features(cache)


def _controls(text: str) -> list[str]:
    categories = ("Cc", "Cf", "Zl", "Zp")
    return sorted({repr(c) for c in text if unicodedata.category(c) in categories and c != "\n"})


def _features(cache: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in cache.glob("features/*/pre_logits*/part-*.parquet"):
        table = pq.ParquetFile(path).read(["id", "features"])
        rows = np.asarray(table.column("features").combine_chunks().flatten())
        for name, row in zip(
            table.column("id").to_pylist(), rows.reshape(len(table), -1), strict=True
        ):
            found[name] = row.tobytes()
    return found
