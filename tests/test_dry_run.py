import pytest

from featrank.dry_run import PlannedModel


@pytest.mark.parametrize(
    ("images", "speed", "seconds"), [(0, None, 0.0), (100, 50.0, 2.0), (100, None, None)]
)
def test_time_is_known_where_the_speed_is(
    images: int, speed: float | None, seconds: float | None
) -> None:
    planned = PlannedModel("timm:x", "x", images=images, images_per_second=speed)
    assert planned.seconds == seconds
    assert ("seconds" in planned.document) is (seconds is not None)
    assert "reason" not in planned.document
