import multiprocessing
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from timm.data import create_transform as timm_transform

from featrank.errors import IncompleteError
from featrank.extract.images import default_workers, load_batches, refuse_elongated
from featrank.records import Preprocessing
from featrank.targets import Sample, Target, UnreadableImage
from featrank.targets._decode import to_rgb


@pytest.mark.parametrize("workers", [0, 2])
def test_pixels_are_what_timms_transform_gives_in_order(
    target: Target, preprocessing: Preprocessing, workers: int
) -> None:
    batches = [[0, 1, 2], [3], list(range(4, 30))]
    loaded = load_batches(
        target.samples, target.read, preprocessing, batches, workers, pin_memory=False
    )
    transform = timm_transform(
        input_size=(3, 160, 160), crop_pct=0.95, crop_mode="center", interpolation="bicubic",
        mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), is_training=False,
    )  # fmt: skip
    for rows, batch in zip(batches, loaded, strict=True):
        assert batch.rows == rows
        assert batch.pixels is not None
        expected = torch.stack([transform(target.read(target.samples[row])) for row in rows])
        torch.testing.assert_close(batch.pixels, expected, rtol=0, atol=0)


def torn(sample: Sample, path: str, read: Callable[[Sample], Image.Image]) -> Image.Image:
    """As the target's ``read``, but one file holds no image."""
    return to_rgb(b"torn") if sample.path == path else read(sample)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_out_of_reach_is_an_error_and_not_skipped(
    target: Target, images: Path, preprocessing: Preprocessing, workers: int
) -> None:
    (images / target.samples[1].path).rename(images / "away")
    batches = load_batches(
        target.samples, target.read, preprocessing, [[0], [1], [2]], workers, pin_memory=False
    )
    assert next(batches).rows == [0]
    with pytest.raises(IncompleteError, match=target.samples[1].path) as caught:
        next(batches)
    assert "run the same command again" in caught.value.hint
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_cannot_be_decoded_is_named_and_the_others_go_on(
    target: Target, preprocessing: Preprocessing, workers: int
) -> None:
    bad = target.samples[1].path
    read = partial(torn, path=bad, read=target.read)
    (batch,) = load_batches(
        target.samples, read, preprocessing, [[0, 1, 2]], workers, pin_memory=False
    )
    assert batch.rows == [0, 2]
    assert [skip.path for skip in batch.skipped] == [bad]
    assert batch.skipped[0].reason


def test_a_batch_of_bad_images_has_no_pixels(target: Target, preprocessing: Preprocessing) -> None:
    read = partial(torn, path=target.samples[0].path, read=target.read)
    (batch,) = load_batches(target.samples, read, preprocessing, [[0]], 0, pin_memory=False)
    assert batch.rows == []
    assert batch.pixels is None


def test_there_is_at_least_one_worker() -> None:
    assert default_workers() >= 1


@pytest.mark.parametrize(
    ("size", "fits"),
    [((1, 1), True), ((1, 50), True), ((400, 3), True), ((1, 5000), False), ((90_000, 2), False)],
)
def test_strips_are_not_blown_up(
    size: tuple[int, int], fits: bool, preprocessing: Preprocessing
) -> None:
    if fits:
        refuse_elongated(size, preprocessing)
    else:
        with pytest.raises(UnreadableImage, match="too elongated"):
            refuse_elongated(size, preprocessing)
