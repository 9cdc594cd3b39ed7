from featrank.metrics import METRICS
from featrank.results.votes import without_vote


def test_diagnostics_and_doubles_have_no_vote():
    assert without_vote(["gda", "spectrum", "vci"]) == ("spectrum",)
    assert without_vote(["vci", "hscore_reg", "logme", "logme_official"]) == (
        "vci",
        "logme_official",
    )


def test_of_several_targets_each_has_its_own():
    columns = ["a:vci", "b:hscore_reg", "b:vci", "b:spectrum", "c:of_another_package"]
    assert without_vote(columns) == ("b:vci", "b:spectrum")


def test_what_ranks_alike_is_a_metric():
    alike = {metric.alike for metric in METRICS} - {""}
    assert alike
    assert alike <= set(METRICS.names())
