import pytest

from featrank.errors import IncompleteError
from featrank.layers.architectures import describe_model
from featrank.layers.find import find_layers
from featrank.zoos import Shelf, resolve_models


def test_is_what_the_network_with_weights_says(shelf: Shelf) -> None:
    import timm

    size = (3, 160, 160)
    network = timm.create_model("test_convnext", pretrained=False).eval()
    (model,) = resolve_models(["random:test_convnext"], shelf)
    assert describe_model(model, size, shelf) == find_layers(network, size).layers


def test_what_cannot_run_at_that_size_says_so(shelf: Shelf) -> None:
    (model,) = resolve_models(["random:test_vit"], shelf)
    with pytest.raises(IncompleteError, match="cannot list the layers of random:test_vit") as told:
        describe_model(model, (3, 100, 100), shelf)
    assert "--layers last" in told.value.hint


def test_a_networks_own_reason_stands_for_itself(shelf: Shelf) -> None:
    (model,) = resolve_models(["torchvision:squeezenet1_1"], shelf)
    with pytest.raises(IncompleteError, match=r"^SqueezeNet has no linear classifier"):
        describe_model(model, (3, 224, 224), shelf)
