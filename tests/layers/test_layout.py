import pytest
import timm
import torch

from featrank.layers.layout import (
    NCHW,
    NHWC,
    NLC,
    Anatomy,
    Layout,
    Reading,
    UnknownLayoutError,
    read_layout,
    tensors_in,
)


def anatomy(
    image: tuple[int, int] = (224, 224), prefix: int = 0, channels: tuple[int, ...] = (),
    order: str | None = None,
) -> Anatomy:  # fmt: skip
    return Anatomy(image, prefix, prefix > 0, "avg", frozenset(channels), order)


@pytest.mark.parametrize(
    ("shape", "known", "layout"),
    [
        ((2, 64, 56, 56), anatomy(), Layout(NCHW, 0, 56 * 56, 64)),
        ((2, 56, 56, 96), anatomy(), Layout(NHWC, 0, 56 * 56, 96)),
        ((2, 64, 14, 21), anatomy(image=(224, 336)), Layout(NCHW, 0, 14 * 21, 64)),
        ((2, 197, 192), anatomy(prefix=1), Layout(NLC, 1, 196, 192)),
        ((2, 196, 192), anatomy(prefix=1), Layout(NLC, 0, 196, 192)),
        ((2, 201, 192), anatomy(prefix=5), Layout(NLC, 5, 196, 192)),
        ((2, 14 * 21 + 1, 64), anatomy(image=(224, 336), prefix=1), Layout(NLC, 1, 294, 64)),
        ((2, 1, 64), anatomy(prefix=1), Layout(NLC, 1, 0, 64)),
        ((2, 56, 56, 56), anatomy(order=NHWC), Layout(NHWC, 0, 56 * 56, 56)),
        ((2, 56, 56, 56), anatomy(order=NCHW), Layout(NCHW, 0, 56 * 56, 56)),
    ],
)
def test_a_shape_means_a_layout(shape: tuple[int, ...], known: Anatomy, layout: Layout) -> None:
    assert read_layout(shape, known) == layout


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((2, 56, 56, 56), "NCHW and NHWC"),
        ((2, 16, 196, 96), "no map"),
        ((2, 190, 64), "no map"),
        ((2, 64), "no map"),
        ((2, 3, 4, 5, 6), "no map"),
    ],
)
def test_what_leaves_doubt_is_refused(shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(UnknownLayoutError, match=reason):
        read_layout(shape, anatomy(prefix=1))


def test_side_outputs_are_left_out() -> None:
    output = (torch.zeros(2, 8, 7, 7), [torch.zeros(392, 16, 24), 3], torch.zeros(2, 8, 50))
    reading = Reading.of(output, 2, anatomy())
    assert [index for index, _ in reading.layouts] == [0]
    assert reading.patches == 49
    with pytest.raises(UnknownLayoutError, match="no tensor of the batch"):
        Reading.of((torch.zeros(392, 16, 24),), 2, anatomy())


def test_only_floating_tensors_count() -> None:
    kept = torch.zeros(1)
    found = tensors_in((kept, torch.zeros(1, dtype=torch.int64), {"a": kept}, None, [kept]))
    assert [tensor is kept for tensor in found] == [True, True]


@pytest.mark.parametrize(
    ("name", "prefix", "class_token", "pooling"),
    [
        ("vit_tiny_patch16_224", 1, True, "token"),
        ("deit_tiny_distilled_patch16_224", 2, True, "token"),
        ("vit_tiny_patch16_dinov3_qkvb", 5, True, "avg"),
        ("vit_srelpos_small_patch16_224", 0, False, "avg"),
        ("resnet18", 0, False, "avg"),
        ("cait_xxs24_224", 1, True, "token"),
    ],
)
def test_a_networks_own_word(name: str, prefix: int, class_token: bool, pooling: str) -> None:
    with torch.device("meta"):
        network = timm.create_model(name, pretrained=False)
    found = Anatomy.of(network, (224, 224))
    assert (found.prefix_tokens, found.has_class_token, found.head_pooling) == (
        prefix, class_token, pooling,
    )  # fmt: skip
    assert network.num_features in found.channels
