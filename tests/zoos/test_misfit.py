from __future__ import annotations

from featrank.zoos._misfit import Misfit, compare


def test_what_differs() -> None:
    import torch

    network = {
        "a.b": torch.zeros(1),
        "fc.b": torch.zeros(2),
        "fc.num_batches_tracked": torch.ones(()),
    }
    assert not compare({"fc.b": torch.zeros(2), "a.b": torch.zeros(1)}, network)
    misfit = compare({"x": torch.zeros(3), "fc.b": torch.zeros(3)}, network)
    assert misfit.document == {
        "missing": ["a.b"], "unexpected": ["x"], "reshaped": ["fc.b: (3,) for (2,)"],
    }  # fmt: skip
    assert str(misfit) == "1 missing: a.b; 1 unexpected: x; 1 reshaped: fc.b: (3,) for (2,)"
    assert misfit.beyond(["fc"], network) == Misfit(("a.b",))
    head = Misfit(("fc.w",), ("fc.q", "classifier.w"), ("fc.b: (3,) for (2,)",))
    assert not head.beyond(["fc"], network)
    assert Misfit(("fc2.w",)).beyond(["fc"], network)


def test_what_is_left_over_does_no_harm_unless_it_is_a_further_block() -> None:
    network = ["blocks.0.attn.qkv.weight", "blocks.1.attn.qkv.weight"]
    harmless = (
        "total_ops", "blocks.0.total_ops", "decoder.blocks.0.attn.qkv.weight", "queue",
        "projector.0.weight", "blocks.0.attn.qkv.weight_scale",
    )  # fmt: skip
    assert not Misfit((), harmless).beyond(["head"], network)
    deeper = Misfit((), ("blocks.2.attn.qkv.weight", *harmless)).beyond(["head"], network)
    assert deeper == Misfit((), ("blocks.2.attn.qkv.weight",))


def test_a_long_list_is_cut_in_the_message_only() -> None:
    misfit = Misfit(tuple(f"t{i}" for i in range(9)))
    assert str(misfit) == "9 missing: t0, t1, t2 and 6 more"
    assert len(misfit.document["missing"]) == 9
