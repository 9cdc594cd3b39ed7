from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from featrank.errors import InputError
from featrank.zoos._state_dicts import choose, find_state_dicts, only_at, read_state_dict


def test_prefixes_come_off_in_any_order(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "own.pt"
    torch.save({"module._orig_mod.backbone.fc.weight": torch.ones(2), "bias": torch.ones(1)}, path)
    assert list(read_state_dict(path)) == ["fc.weight", "bias"]


def test_nested_wrappers(tmp_path: Path) -> None:
    import torch

    torch.save({"state_dict": {"model": {"module.a": torch.ones(1)}}}, tmp_path / "own.pth")
    assert list(read_state_dict(tmp_path / "own.pth")) == ["a"]


@pytest.mark.parametrize("keys", [("model",), ("state_dict", "model")])
def test_a_state_dict_that_contains_itself_is_refused(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    import torch

    outer: dict[str, Any] = {}
    here = outer
    for key in keys[:-1]:
        here[key] = {}
        here = here[key]
    here[keys[-1]] = outer
    torch.save(outer, tmp_path / "circle.pth")
    with pytest.raises(InputError, match="contains itself"):
        read_state_dict(tmp_path / "circle.pth")


def tensors(*names: str, start: float = 0.0) -> dict[str, Any]:
    import torch

    return {name: torch.full((2,), start + i) for i, name in enumerate(names)}


BODY = ("conv.weight", "bn.weight", "bn.bias")


def chosen(content: Any, *, key: str = "") -> tuple[str, list[float]]:
    """Where the weights are found, and the first number of each."""
    expected = tensors(*BODY, "fc.weight")
    path = Path("own.pth")
    choices = choose(find_state_dicts(content, path), expected, ["fc"])
    if key:
        choices = only_at(choices, key, path)
    return choices[0].place, [float(choices[0].state[name][0]) for name in BODY]


@pytest.mark.parametrize(
    "prefix",
    ["", "module.", "model.", "net.", "module.visual.trunk.", "timm_model.", "0.", "a.b.c.d.e."],
)
@pytest.mark.parametrize(
    "keys", [(), ("state_dict",), ("model_state_dict",), ("any", "thing at all")]
)
def test_wrappers_and_prefixes_are_found_by_what_fits(prefix: str, keys: tuple[str, ...]) -> None:
    content: Any = {prefix + name: tensor for name, tensor in tensors(*BODY).items()}
    for key in reversed(keys):
        content = {"epoch": 3, "optimizer": {"state": {0: tensors("exp_avg")}}, key: content}
    place, values = chosen(content)
    assert place == ".".join(filter(None, (*keys, prefix.rstrip("."))))
    assert values == [0, 1, 2]


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ("state_dict", "state_dict_ema", "state_dict_ema"),
        ("net", "ema_state_dict", "ema_state_dict"),
        ("model", "model_ema", "model_ema"),
        ("model_ema", "model", "model_ema"),
        ("student", "teacher", "teacher"),
        ("model", "something", "model"),
        ("something", "state_dict", "state_dict"),
        ("b", "a", "b"),
    ],
)
def test_of_two_that_fit_alike_one_is_preferred(first: str, second: str, taken: str) -> None:
    content = {first: tensors(*BODY), second: tensors(*BODY, start=10)}
    place, values = chosen(content)
    assert (place, values[0]) == (taken, 0 if taken == first else 10)
    for key, start in ((first, 0), (second, 10)):
        assert chosen(content, key=key) == (key, [start, start + 1, start + 2])


@pytest.mark.parametrize(
    ("trained", "following"),
    [
        ("module.base_encoder.", "module.momentum_encoder."),
        ("module.encoder_q.", "module.encoder_k."),
        ("online_network.", "target_network."),
    ],
)
def test_the_encoder_that_is_trained_before_the_one_that_follows(
    trained: str, following: str
) -> None:
    content = {following + name: t for name, t in tensors(*BODY, start=10).items()}
    content |= {trained + name: t for name, t in tensors(*BODY).items()}
    assert chosen(content) == (trained.rstrip("."), [0, 1, 2])
    assert chosen(content, key=following)[1] == [10, 11, 12]


def test_what_fits_better_is_taken_whatever_its_name() -> None:
    content = {"state_dict_ema": tensors("conv.weight"), "weights": tensors(*BODY)}
    assert chosen(content)[0] == "weights"


def test_a_key_where_nothing_is() -> None:
    with pytest.raises(InputError, match="nothing under 'techer'") as caught:
        chosen({"student": tensors(*BODY), "teacher": tensors(*BODY)}, key="techer")
    assert "teacher" in caught.value.hint


def test_a_classifier_beside_the_backbone() -> None:
    content = {f"backbone.{name}": t for name, t in tensors(*BODY).items()}
    content |= tensors("fc.weight", "queue", start=7)
    (choice,) = choose(find_state_dicts(content, Path("x")), tensors(*BODY, "fc.weight"), ["fc"])
    assert float(choice.state["fc.weight"][0]) == 7
    assert choice.others == ("queue",)


def test_what_torch_puts_between_names() -> None:
    content = {"_orig_mod.conv._fsdp_wrapped_module.weight": tensors("a")["a"]}
    assert chosen(content | tensors("bn.weight", "bn.bias"))[0] == ""


def test_a_whole_model_is_named(tmp_path: Path) -> None:
    import torch

    torch.save({"epoch": 1, "model": torch.nn.BatchNorm2d(3)}, tmp_path / "whole.pth")
    with pytest.raises(InputError, match=r"'model' is a pickled torch\.nn\..*BatchNorm2d"):
        read_state_dict(tmp_path / "whole.pth")


def test_one_mapping_under_two_names_has_both() -> None:
    same = tensors(*BODY)
    content = {"student": same, "teacher": same}
    assert chosen(content)[0] == "teacher"
    assert chosen(content, key="student")[0] == "student"


def test_a_great_many_mappings_are_bounded() -> None:
    content: Any = tensors("x")
    for _ in range(40):  # a mapping of 2**40 ways through it
        content = {"a": content, "b": content}
    with pytest.raises(InputError, match="no state dict"):
        find_state_dicts(content, Path("own.pth"))
