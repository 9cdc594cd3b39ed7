import time

from featrank.run.stopwatch import Stopwatch


def test_laps_of_one_name_add_up() -> None:
    laps = Stopwatch()
    time.sleep(0.02)
    laps.lap("a")
    laps.lap("b")
    time.sleep(0.02)
    laps.lap("a")
    seconds = laps.seconds
    assert list(seconds) == ["a", "b", "total"]
    assert seconds["a"] >= 0.04 > seconds["b"]
    assert seconds["total"] >= seconds["a"] + seconds["b"]
