from featrank.zoos._cards import Card, like, matches


def test_what_nobody_says_is_left_out() -> None:
    assert Card("a", n_params=3).document == {
        "name": "a", "n_params": 3, "pretrained_on": (), "cached": False,
    }  # fmt: skip


def test_a_pattern_without_a_dot_is_one_over_architectures() -> None:
    assert matches("resnet50.a1_in1k", "ResNet*")
    assert matches("resnet50.a1_in1k", "*.a1_*")
    assert not matches("resnet50.a1_in1k", "*in1k")
    assert like("Apache-2.0", "apache*")
