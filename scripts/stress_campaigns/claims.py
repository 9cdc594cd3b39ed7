"""Kept files that say something else: changed fields, types and names, with and without a seal."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from featrank.storage.kept_json import SEAL, write_kept
from stress_campaigns.bench import Bench
from stress_campaigns.figures import Figures
from stress_campaigns.kept_files import KINDS, read_again
from stress_campaigns.watch import difference, listing

_JSON_KINDS = [name for name, kind in KINDS.items() if kind.is_json]
# What a valid seal makes believable: these say numbers that nothing else in the cache can prove.
_BELIEVED = ("score", "layer index", "timm index", "torchvision index", "result")
_LEASE_ENTRY = "0123456789abcdef"


def run(count: int, rng: random.Random, bench: Bench) -> Figures:
    """Change a claim, read, see that nothing around was touched, put back."""
    figures = Figures()
    kept, _ = bench.reference
    kept.restore()
    rights = {name: KINDS[name].said(bench.run(*KINDS[name].command(bench)).out) for name in KINDS}
    victims = plant_victims(bench.place / "victims")
    around = listing(bench.place, bench.kept, bench.temporary)
    for number in range(count):
        kept.restore()
        if number % 40 == 39:
            _lease(figures, rng, bench)
        else:
            _kept_file(figures, rng, bench, rights)
        if number % 10 == 0:
            _other_commands(figures, bench)
        now = listing(bench.place, bench.kept, bench.temporary)
        if touched := _outside(around, now):
            figures.fault(f"claims: touched outside: {touched}")
            plant_victims(victims)
            around = listing(bench.place, bench.kept, bench.temporary)
    kept.restore()
    return figures


def plant_victims(folder: Path) -> Path:
    """Files that a claim may point at and that nobody may touch."""
    folder.mkdir(exist_ok=True)
    for name in ("file", "_manifest.json", "part-000000000.0123456789abcdef.parquet"):
        (folder / name).write_text("precious")
    return folder


def _outside(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [path for path in difference(before, after) if not path.endswith(("/out", "/err"))]


def _kept_file(
    figures: Figures, rng: random.Random, bench: Bench, rights: dict[str, str]
) -> None:  # fmt: skip
    name = rng.choice(_JSON_KINDS)
    kind = KINDS[name]
    path = rng.choice(kind.paths(bench))
    believed = False
    if rng.random() < 0.08 and name != "result":
        what = rename(path, rng, bench)
    elif rng.random() < 0.1:
        what = garble(path, rng)
    else:
        sealed = rng.random() < 0.5
        what = rewrite(path, rng, bench, sealed=sealed)
        # A result without a checksum is one of an older release, or the user's own.
        unsealed_result = name == "result" and "broken seal" not in what
        believed = name in _BELIEVED and (sealed or unsealed_result)
    outcome, wrong = read_again(bench, kind, rights[name])
    if believed and outcome in ("other numbers", "not healed"):
        outcome, wrong = "sealed and believed", ""
    figures.count(f"{name}: {outcome}")
    if wrong:
        figures.fault(f"claims: {path.name}, {what}: {wrong}")


def _other_commands(figures: Figures, bench: Bench) -> None:
    for command in (
        ("cache", "list"),
        ("cache", "verify"),
        ("cache", "prune", "--older-than", "0s"),
    ):
        ended = bench.run(*command, limit=30)
        if ended.wrong:
            figures.fault(f"claims: featrank {' '.join(command)}: {ended.wrong}")


def _lease(figures: Figures, rng: random.Random, bench: Bench) -> None:
    """A lease whose owner lives, with a list of something else."""
    path = bench.cache / "leases" / "other.json"
    path.write_text(json.dumps([_LEASE_ENTRY, "entry"]))
    what = rewrite(path, rng, bench, sealed=False)
    with FileLock(path.with_suffix(".lock")):
        ended = bench.run("cache", "prune", "--model", "nothing*", limit=30)
    figures.count(f"lease: exit {ended.code}")
    if ended.wrong:
        figures.fault(f"claims: lease, {what}: {ended.wrong}")


def rewrite(path: Path, rng: random.Random, bench: Bench, *, sealed: bool) -> str:
    """Change one to three places of a document; its seal is made anew, broken or missing."""
    document = json.loads(path.read_text())
    seal = document.pop(SEAL, None) if isinstance(document, dict) else None
    what = ", ".join(change(document, rng, bench) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    if sealed and isinstance(document, dict):
        try:
            write_kept(path, document)
        except ValueError:  # numbers that JSON lacks
            path.write_text(json.dumps(document))
        return f"{what}, sealed"
    if seal is not None and rng.random() < 0.5:
        document[SEAL] = seal
        what += ", broken seal"
    path.write_text(json.dumps(document))
    return what


def change(document: Any, rng: random.Random, bench: Bench) -> str:
    """Change one place of a document; what was done."""
    container, key, trail = _place(document, rng)
    old = container[key]
    how = rng.choice(
        ["value", "value", "value", "type", "remove", "add", "name", "repeat", "order"]
    )
    if how == "remove":
        del container[key]
    elif how == "add" and isinstance(container, dict):
        container[rng.choice(["", "x", "__class__", "../x", "key", "parts"])] = old
    elif how == "name" and isinstance(container, dict):
        container[rng.choice(["", f"{key} ", str(key).upper(), "\ud800", "a\nb"])] = container.pop(
            key
        )
    elif how == "repeat" and isinstance(container, list):
        container.insert(rng.randrange(len(container) + 1), old)
    elif how == "order" and isinstance(container, list):
        container.reverse()
    else:
        new = _other_value(old, rng, bench) if how == "value" else _other_type(rng)
        container[key] = new
        return f"{trail} = {str(new)[:60]!r}"
    return f"{how} {trail}"


def _place(document: Any, rng: random.Random) -> tuple[Any, Any, str]:
    """A random place in a document: levels are equally likely, not leaves."""
    container, trail = document, ""
    while True:
        keys: list[Any] = (
            list(container) if isinstance(container, dict) else [*range(len(container))]
        )
        key = rng.choice(keys)
        trail += f"/{key}"
        inner = container[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.15:
            return container, key, trail
        container = inner


def _other_value(old: Any, rng: random.Random, bench: Bench) -> Any:
    """Something of the same type."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float):
        numbers = [-1, 0, 1, 7, old + 1, old - 1, old * 2, -old, 2**31, 2**63, 10**19, 1e308, 0.5]
        return rng.choice([*numbers, float("nan"), float("inf")])
    if isinstance(old, str):
        victims = bench.place / "victims"
        return rng.choice(
            [
                "",
                ".",
                "..",
                "/",
                "x",
                old + "x",
                old[:-1],
                old.upper(),
                "a\0b",
                "\ud800",
                "a\n::error::b",
                "\x1b[31m",
                "%s%n{0}",
                "x" * 5000,
                f"{victims}/file",
                "../../../../victims/file",
                f"../../../../{victims.name}/_manifest.json",
                "/dev/zero",
                "part-000000000.0123456789abcdef.parquet",
            ]
        )
    if isinstance(old, list):
        return rng.choice([[], old[:1], old * 2, old[::-1], [old]])
    if isinstance(old, dict):
        return rng.choice([{}, {"x": old}, dict(list(old.items())[:1])])
    return rng.choice([0, "x", [], {}])


def _other_type(rng: random.Random) -> Any:
    return rng.choice(
        [None, True, 5, -1, 10**30, 0.5, "x", "5", [], [1], ["x"], {}, {"x": 1}, [[[]]]]
    )


def garble(path: Path, rng: random.Random) -> str:
    """Other text in a document's place."""
    old = path.read_bytes()
    cut = old[: rng.randrange(len(old))]
    texts: dict[str, Callable[[], bytes]] = {
        "cut": lambda: cut,
        "empty": lambda: b"",
        "deep": lambda: b"[" * 100_000,
        "deep keys": lambda: b'{"a":' * 100_000,
        "digits": lambda: b"9" * 5000,
        "null": lambda: b"null",
        "list": lambda: b"[1, 2]",
        "bytes": lambda: rng.randbytes(200),
        "twice": lambda: old + old,
        "utf-16": lambda: old.decode().encode("utf-16"),
    }
    name = rng.choice(list(texts))
    path.write_bytes(texts[name]())
    return name


def rename(path: Path, rng: random.Random, bench: Bench) -> str:
    """Another name for a file: a sibling's, an odd one, or none of its own folder."""
    siblings = sorted(other for other in path.parent.glob("*") if other.is_file() and other != path)
    names = ["x", "-rf", "a\nb", "\x1b[31m", ".hidden", "x" * 200, f"{path.name}.tmp"]
    choices = [path.with_name(name) for name in names] + siblings + [bench.cache / path.name]
    new = rng.choice(choices)
    path.replace(new)
    return f"renamed {new.name[:40]!r}"
