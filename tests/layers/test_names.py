import pytest

from featrank.errors import InputError
from featrank.layers.names import LayerInfo, choose_layers, needs_listing

STRIDES = {"stem": 2, "blocks.0": 4, "blocks.1": 4, "blocks.2": 8, "pre_logits": None, "head": None}


def info(name: str, stride: int | None) -> LayerInfo:
    vector = stride is None or name == "stem"
    return LayerInfo(
        name=name,
        aliases=("stages.0",) if name == "blocks.1" else (),
        shape=(8,),
        widths={"auto": 8} if vector else {"auto": 8, "cls": 8},
        refusals={"cls": "it has no class token"} if vector else {},
        stride=stride,
        n_params=1,
        macs=1,
        activations=1,
        params_share=0.5,
        macs_share=0.5,
        activations_share=0.5,
    )


KNOWN = [info(name, stride) for name, stride in STRIDES.items()]
FEATURES = [name for name in STRIDES if name != "head"]


def chosen(spec: str, pooling: str = "auto") -> list[str]:
    return [layer.name for layer in choose_layers(spec, pooling, KNOWN)]


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("last", ["pre_logits"]),
        ("all", FEATURES),
        ("stages", ["stem", "blocks.1", "blocks.2", "pre_logits"]),
        ("2", ["blocks.2", "pre_logits"]),
        ("-3", ["blocks.1"]),
        ("5", FEATURES),
        ("blocks.*", ["blocks.0", "blocks.1", "blocks.2"]),
        ("blocks.2, stem", ["stem", "blocks.2"]),
        ("stages.0", ["blocks.1"]),
        ("last,-1,pre_logits", ["pre_logits"]),
    ],
)
def test_a_specification_means(spec: str, names: list[str]) -> None:
    assert chosen(spec) == names


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("nosuch", "no layer 'nosuch'", "`featrank layers MODEL` lists all 5"),
        ("stam", "no layer 'stam'", "did you mean stem"),
        ("block.1", r"no layer 'block\.1'", "did you mean blocks.1"),
        ("lats", "no layer 'lats'", "did you mean last"),
        ("99", "there are 5 layers", "1 to 5"),
        ("-6", "there are 5 layers", "-1 to -5"),
        ("0", "there are 5 layers", ""),
        ("layer*", "no layer matches", "lists all 5"),
        ("head", "not features", ""),
        (",", "names none", "all"),
    ],
)
def test_what_means_nothing_is_refused(spec: str, message: str, hint: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        chosen(spec)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_pooling_that_does_not_fit_leaves_layers_out_and_refuses_names() -> None:
    assert chosen("all", "cls") == ["blocks.0", "blocks.1", "blocks.2"]
    with pytest.raises(InputError, match="'stem' cannot be pooled by cls: it has no class token"):
        chosen("blocks.0,stem", "cls")
    with pytest.raises(InputError, match="none can be pooled by cls"):
        chosen("ste*", "cls")


def test_only_last_needs_no_listing() -> None:
    assert not needs_listing("last")
    assert not needs_listing("pre_logits, last")
    assert needs_listing("last,-2")


def test_json_and_back() -> None:
    import json

    for layer in KNOWN:
        assert LayerInfo.from_document(json.loads(json.dumps(layer.document))) == layer
