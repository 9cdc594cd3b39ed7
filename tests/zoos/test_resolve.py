from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.zoos import Shelf, resolve_models, zoo_of
from featrank.zoos.packages import CARRIERS

needs_lite0 = pytest.mark.skipif(
    CARRIERS[0].find() is None, reason=f"needs the package {CARRIERS[0].distribution}"
)


def ids(specs: list[str], shelf: Shelf) -> list[str]:
    return [model.id for model in resolve_models(specs, shelf)]


def test_commas_order_and_duplicates(shelf: Shelf) -> None:
    found = ids(["resnet18, random:resnet18", "ResNet-18,resnet34,"], shelf)
    assert found == ["timm:resnet18.a1_in1k", "random:resnet18", "timm:resnet34.a1_in1k"]


def test_what_was_typed_is_kept(shelf: Shelf) -> None:
    models = resolve_models(["vit_b16", "timm:resnet1[8]", "random:resnet18"], shelf)
    assert [model.requested for model in models] == ["vit_b16", "timm:resnet18", "random:resnet18"]
    assert [zoo_of(model).name for model in models] == ["timm", "timm", "random"]


@needs_lite0
def test_installed_weights_are_nearer_than_the_hub(shelf: Shelf) -> None:
    (bare,) = resolve_models(["tf_efficientnet_lite0"], shelf)
    assert bare.id == "package:tf_efficientnet_lite0.in1k"
    assert bare.note == f"weights from the installed package {CARRIERS[0].distribution}"
    found = ids(["timm:tf_efficientnet_lite0", "tf_efficientnet_lite0", "tf_*lite[03]"], shelf)
    assert found == [
        "timm:tf_efficientnet_lite0.in1k",
        "package:tf_efficientnet_lite0.in1k",
        "timm:tf_efficientnet_lite3.in1k",
    ]


def test_files(small_file: Path, tmp_path: Path, shelf: Shelf) -> None:
    with_comma = tmp_path / "a,b:c.safetensors"
    with_comma.write_bytes(small_file.read_bytes())
    for text in (f"test_resnet@{small_file}", f"test_resnet@{with_comma}"):
        assert ids([text], shelf) == ids([f"checkpoint:{text}"], shelf)


@pytest.mark.parametrize(
    ("spec", "says", "hint"),
    [
        ("resnet5", "unknown model 'resnet5'", "resnet50"),
        ("timm:resnet5", "unknown model 'timm:resnet5'", "resnet50"),
        ("resnt*", "no model matches 'resnt\\*'", ""),
        ("zzzzzzzz", "unknown model 'zzzzzzzz'", "featrank models"),
        ("tim:resnet50", "unknown zoo 'tim'", "timm"),
        ("foo:resnet50", "unknown zoo 'foo'", "checkpoint"),
        ("package:resnet50", "unknown model", ""),
    ],
)
def test_unknown(spec: str, says: str, hint: str, shelf: Shelf) -> None:
    with pytest.raises(InputError, match=says) as caught:
        resolve_models([spec], shelf)
    assert hint in caught.value.hint


@pytest.mark.parametrize("specs", [[], [""], [" , "]])
def test_nothing_asked(specs: list[str], shelf: Shelf) -> None:
    with pytest.raises(InputError, match="no models given"):
        resolve_models(specs, shelf)
