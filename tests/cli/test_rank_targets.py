"""What the flags that choose the images do, and what the header says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Main = Callable[..., Any]
MODEL = ("--models", "random:test_resnet", "--workers", 0)


def test_counts_before_and_after(featrank_main: Main, images: Path, tmp_path: Path) -> None:
    """Of 72 images in 6 classes; food loses half of its own and is then too small."""
    for path in sorted((images / "food").iterdir())[:6]:
        path.unlink()
    ended = featrank_main(
        "rank", "--dataset", images, *MODEL, "--exclude-classes", "tools,people",
        "--min-per-class", 7, "--shots", 4, "-o", tmp_path / "r.json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "12 of 66 images; 3 of 6 classes; smallest animals 4, largest animals 4" in ended.out
    assert "too small for gda, nb (fewer than 5 folds): animals 4" in ended.out
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["target"]["offered"] == {"n_images": 66, "n_classes": 6}
    assert document["config"]["selection"]["shots"] == 4
    assert set(document["target"]["class_counts"]) == {"animals", "buildings", "transportation"}


def test_equal_images_are_counted_and_contradictions_named(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    first, second = sorted((images / "food").iterdir())[:2]
    (images / "food" / f"again{first.suffix}").write_bytes(first.read_bytes())
    (images / "tools" / f"meal{second.suffix}").write_bytes(second.read_bytes())
    ended = featrank_main("rank", "--dataset", images, *MODEL, "-o", tmp_path / "r.json")
    assert ended.code == 0
    assert "2 duplicates" in ended.out
    said = f"food/{second.name} (food) = tools/meal{second.suffix} (tools)"
    assert f"warning: 1 image stands in more than one class: {said}" in ended.err
    target = json.loads((tmp_path / "r.json").read_text())["target"]
    assert target["duplicates"] == 2
    assert said in target["warnings"][0]


def test_many_unusable_images_are_an_error_unless_allowed(
    featrank_main: Main, images: Path
) -> None:
    """At listing (a broken link) and at decoding (a torn file) alike."""
    for i in range(4):
        (images / "food" / f"link{i}.png").symlink_to("nowhere")
    arguments = ("rank", "--dataset", images, *MODEL)
    refused = featrank_main(*arguments)
    assert refused.code == 2
    assert "4 of 76 images are unusable, more than 5%; first food/link0.png: broken" in refused.err
    assert "--allow-skipped" in refused.err
    assert featrank_main(*arguments, "--allow-skipped").code == 0
    for i in range(4):
        (images / "food" / f"link{i}.png").unlink()
        (images / "food" / f"torn{i}.png").write_bytes(b"\x89PNG torn %d" % i)
    refused = featrank_main(*arguments)
    assert refused.code == 2
    assert "4 of 76 images are unusable" in refused.err
    assert refused.out == ""
    allowed = featrank_main(*arguments, "--allow-skipped")
    assert allowed.code == 0
    assert "4 skipped" in allowed.out


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("path,label\n../../etc/passwd,a\n", "leads out of"),
        ("path,label\n/etc/passwd,a\n", "leads out of"),
        ("path,label\n", "no usable image in"),
        ("path,label\nx.png,a\n", "none of the 1 files of"),
    ],
)
def test_a_hostile_or_empty_manifest_is_refused(
    featrank_main: Main, tmp_path: Path, table: str, said: str
) -> None:
    (tmp_path / "list.csv").write_text(table)
    ended = featrank_main("rank", "--dataset", tmp_path / "list.csv", *MODEL)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""


def test_a_changed_selection_misses_the_cache(featrank_main: Main, images: Path) -> None:
    arguments = ("rank", "--dataset", images, *MODEL, "--shots", 3)
    assert featrank_main(*arguments).code == 0
    for change in (("--exclude-classes", "food"), ("--classes", "food,tools"), ("--seed", 1)):
        assert "0 cached, 1 to extract" in featrank_main(*arguments, *change).err
    assert "1 cached" in featrank_main(*arguments).err


def test_groups_are_kept_together_from_the_manifest_to_the_score(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    """What is ranked, scored from the cache, and scored from exported files is the same."""
    lines = ["path,label,group"]
    for number, path in enumerate(sorted(images.glob("*/*"))):
        name = path.relative_to(tmp_path)
        lines.append(f"{name},{path.parent.name},{number // 4 or ''}")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    metrics = ("--metrics", "gda,knn,linear,ncm")
    ended = featrank_main(
        "rank", "--dataset", tmp_path / "list.csv", *MODEL, *metrics, "-o", tmp_path / "r.json"
    )
    assert ended.code == 0, ended.err
    assert "; 17 groups" in ended.out
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["target"]["groups"] == 17
    ranked = values(document)
    listing = featrank_main("cache", "list", "--json").out
    key = next(row["id"] for row in json.loads(listing) if row["key"]["layer"] == "pre_logits")
    for name in ("a.npz", "a.parquet"):
        assert featrank_main("cache", "export", key, tmp_path / name).code == 0
    with np.load(tmp_path / "a.npz") as arrays:
        assert sorted(set(arrays["group"].tolist())) == sorted(["", *map(str, range(1, 18))])
        bare = {name: arrays[name] for name in arrays.files if name != "group"}
    np.savez(tmp_path / "bare.npz", **bare)
    scored = {}
    for source in (key, tmp_path / "a.npz", tmp_path / "a.parquet", tmp_path / "bare.npz"):
        assert featrank_main("score", source, *metrics, "-o", tmp_path / "s.json").code == 0
        scored[source] = values(json.loads((tmp_path / "s.json").read_text()))
    bare_values = scored.pop(tmp_path / "bare.npz")
    assert all(found == ranked for found in scored.values())
    assert all(bare_values[metric] != ranked[metric] for metric in ranked)


def values(document: Any) -> dict[str, float]:
    """The scores of the only row."""
    (row,) = document["rows"]
    return {name: score["value"] for name, score in row["scores"].items()}
