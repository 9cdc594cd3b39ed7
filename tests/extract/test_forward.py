import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from featrank.errors import IncompleteError
from featrank.extract.forward import Backbone, FeatureBatch, Stopwatch, extract_features
from featrank.records import FloatArray, LayerRef, Preprocessing
from featrank.targets import Target
from featrank.targets._decode import to_rgb

CPU = torch.device("cpu")


def features(batches: list[FeatureBatch]) -> FloatArray:
    return np.concatenate([batch.features[LayerRef()] for batch in batches])


def test_features_are_the_networks_own_pooled_penultimate_ones(
    target: Target, network: nn.Module, preprocessing: Preprocessing
) -> None:
    backbone = Backbone(network, preprocessing, CPU, "float32")
    batches = list(extract_features(backbone, target, [(0, 30)], 8, 2))
    from timm.data import create_transform

    transform = create_transform(**preprocessing.to_config(), is_training=False)
    with torch.inference_mode():
        pixels = torch.stack([transform(target.read(sample)) for sample in target.samples])
        network.reset_classifier(0)  # type: ignore[operator]
        expected = network(pixels).numpy()
    np.testing.assert_allclose(features(batches), expected, rtol=1e-5, atol=1e-6)


def test_spans_start_their_own_batches(
    target: Target, network: nn.Module, preprocessing: Preprocessing
) -> None:
    backbone = Backbone(network, preprocessing, CPU, "float32")
    batches = list(extract_features(backbone, target, [(2, 9), (20, 23)], 4, 0))
    assert [(b.span, b.rows, b.last) for b in batches] == [
        ((2, 9), [2, 3, 4, 5], False),
        ((2, 9), [6, 7, 8], True),
        ((20, 23), [20, 21, 22], True),
    ]
    whole = list(extract_features(backbone, target, [(0, 30)], 30, 0))
    np.testing.assert_allclose(
        features(batches), features(whole)[[2, 3, 4, 5, 6, 7, 8, 20, 21, 22]], rtol=1e-5, atol=1e-6
    )


def test_a_batch_without_images_has_the_right_width(
    target: Target, network: nn.Module, preprocessing: Preprocessing
) -> None:
    torn, read = target.samples[:4], target.read
    target = replace(target, read=lambda item: to_rgb(b"torn") if item in torn else read(item))
    backbone = Backbone(network, preprocessing, CPU, "float32")
    first, second = extract_features(backbone, target, [(0, 8)], 4, 0)
    assert len(first.skipped) == 4
    assert first.features[LayerRef()].shape == (0, second.features[LayerRef()].shape[1])


def test_bfloat16_is_near_but_not_equal(
    target: Target, network: nn.Module, preprocessing: Preprocessing
) -> None:
    full, half = (
        features(
            list(extract_features(Backbone(network, preprocessing, CPU, p), target, [(0, 6)], 6, 0))
        )
        for p in ("float32", "bfloat16")
    )
    assert half.dtype == np.float32
    assert not np.array_equal(full, half)
    np.testing.assert_allclose(half, full, atol=0.05 * np.abs(full).max())


def test_infinite_features_are_refused(preprocessing: Preprocessing, network: nn.Module) -> None:
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(IncompleteError, match="NaN or infinity"):
        Backbone(network, preprocessing, CPU, "float32")


def test_out_of_memory_names_a_smaller_batch(
    preprocessing: Preprocessing, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = Backbone(network, preprocessing, CPU, "float32")

    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("too much")

    # A GPU that is really full cannot be had in a test.
    monkeypatch.setattr(type(network), "forward_features", refuse)
    with pytest.raises(IncompleteError, match="batch of 8") as caught:
        backbone.forward(torch.zeros(8, 3, 160, 160))
    assert "--batch-size 4" in caught.value.hint


def test_the_stopwatch_counts_images_a_second() -> None:
    watch = Stopwatch()
    time.sleep(0.05)
    watch.count(10)
    assert 0 < watch.images_per_second <= 200


def on_both(target: Target, name: str) -> list[FloatArray]:
    """An untrained network's features on the CPU and on the GPU."""
    import timm

    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False).eval()
    preprocessing = Preprocessing.from_config(timm.data.resolve_model_data_config(model))
    return [
        features(
            list(
                extract_features(
                    Backbone(model, preprocessing, torch.device(device), "float32"),
                    target, [(0, len(target.samples))], 8, 2,
                )
            )
        )
        for device in ("cpu", "cuda")
    ]  # fmt: skip


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224", "tf_efficientnet_lite0"])
def test_gpu_features_equal_the_cpus(target: Target, name: str) -> None:
    cpu, gpu = on_both(target, name)
    assert np.linalg.norm(gpu - cpu) <= 1e-5 * np.linalg.norm(cpu)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_scores_of_gpu_features_equal_the_cpus(target: Target) -> None:
    """Of a narrow network: all metrics take minutes where features are wide."""
    from featrank.metrics import METRICS

    cpu, gpu = on_both(target, "vit_tiny_patch16_224")
    for metric in METRICS:
        if metric.needs != "source_probs":
            on_cpu, on_gpu = (metric(values, target.labels) for values in (cpu, gpu))
            # Held-out accuracy moves in steps of one image of one class.
            assert on_gpu == pytest.approx(on_cpu, rel=1e-3, abs=1 / len(target.samples))
