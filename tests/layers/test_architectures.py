import pytest

from featrank.errors import IncompleteError
from featrank.layers.architectures import describe_architecture
from featrank.layers.find import find_layers


def test_is_what_the_network_with_weights_says() -> None:
    import timm

    size = (3, 160, 160)
    network = timm.create_model("test_convnext", pretrained=False).eval()
    assert describe_architecture("test_convnext", size) == find_layers(network, size).layers


def test_what_cannot_run_at_that_size_says_so() -> None:
    with pytest.raises(IncompleteError, match="cannot list the layers of test_vit") as caught:
        describe_architecture("test_vit", (3, 100, 100))
    assert "--layers last" in caught.value.hint
