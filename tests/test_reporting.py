from featrank.reporting import Reporter, Silent


def test_silent_takes_everything() -> None:
    reporter: Reporter = Silent()
    reporter.say("a")
    reporter.warn("b")
    with reporter.progress("c", 2) as advance:
        advance(2)
