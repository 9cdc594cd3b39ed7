"""The gate's truth table: every condition with pass, fail, and all that never passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from result_documents import three_models

from featrank.errors import InputError
from featrank.gate.conditions import Conditions, FailUnder
from featrank.gate.judge import ALLOWED, FAIL, PASS, REFUSED, Check, GateResult, judge
from featrank.results.read import result_of

Main = Callable[..., Any]
Change = Callable[[dict[str, Any]], None]


def changed(change: Change | None) -> dict[str, Any]:
    document = three_models()
    if change is not None:
        change(document)
    return document


def all_of(*changes: Change) -> Change:
    def change(document: dict[str, Any]) -> None:
        for one in changes:
            one(document)

    return change


def scored(name: str, metric: str, value: float, **more: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        found = next(row for row in document["rows"] if row["requested"] == name)
        found["scores"][metric] |= {"value": value, **more}

    return change


def unscored(name: str, metric: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        found = next(row for row in document["rows"] if row["requested"] == name)
        del found["scores"][metric]["value"]
        found["scores"][metric]["reason"] = "only one class"

    return change


def without(name: str) -> Change:
    """Not asked for any more."""

    def change(document: dict[str, Any]) -> None:
        document["rows"] = [row for row in document["rows"] if row["requested"] != name]
        document["candidates"].remove(f"timm:{name}")
        for i, found in enumerate(document["rows"], 1):
            found["rank"] = i
            for one in found["scores"].values():
                one["rank"] = i

    return change


def failed(name: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        without(name)(document)
        document["candidates"].append(f"timm:{name}")
        document["rows"].append({
            "model": f"timm:{name}", "requested": name, "zoo": "timm", "architecture": name,
            "layer": "pre_logits", "pooling": "auto", "status": "failed", "reason": "no hub",
        })  # fmt: skip

    return change


def swapped(first: str, second: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        rows = {row["requested"]: row for row in document["rows"]}
        a, b = rows[first], rows[second]
        a["rank"], b["rank"] = b["rank"], a["rank"]
        a["scores"], b["scores"] = b["scores"], a["scores"]
        document["rows"].sort(key=lambda row: row["rank"])

    return change


def partial(document: dict[str, Any]) -> None:
    document["partial"] = True


def unfinished_shard(document: dict[str, Any]) -> None:
    document["candidates"].append("timm:delta")


def other_target(document: dict[str, Any]) -> None:
    document["target"]["fingerprint"] = "0" * 64


def other_version(document: dict[str, Any]) -> None:
    for found in document["rows"]:
        found["scores"]["gda"]["version"] = 2


def other_params(document: dict[str, Any]) -> None:
    for found in document["rows"]:
        found["scores"]["gda"]["params"] = {"folds": 3}


def other_metrics(document: dict[str, Any]) -> None:
    document["config"]["metrics"] = ["gda"]


def in_bfloat16(document: dict[str, Any]) -> None:
    document["config"]["precision"] = "bfloat16"


def in_float32(document: dict[str, Any]) -> None:
    document["config"]["precision"] = "float32"


def other_direction(document: dict[str, Any]) -> None:
    for found in document["rows"]:
        found["scores"]["gda"]["higher_is_better"] = False


def at(layer: str, pooling: str = "auto", by: tuple[str, ...] = ()) -> Change:
    def change(document: dict[str, Any]) -> None:
        document["rows"][1] |= {"layer": layer, "pooling": pooling}
        document["config"]["layers_by"] = list(by)

    return change


def empty(document: dict[str, Any]) -> None:
    document["rows"] = []
    document["candidates"] = []


BASE = ("--baseline", "base.json")
DROP = (*BASE, "--max-drop", "gda:2%")
TAU = (*BASE, "--min-tau", "0.8")

# Arguments, the change of the result, that of the baseline, exit code, what is printed.
Case = tuple[tuple[str, ...], Change | None, Change | None, int, str]
CASES: dict[str, Case] = {
    # --max-drop
    "drop: equal": (DROP, None, None, 0, "best, alpha: 0.9 → 0.9, equal"),
    "drop: within": (DROP, scored("alpha", "gda", 0.89), None, 0, "worse by 0.01 (1.11%)"),
    "drop: beyond": (DROP, scored("alpha", "gda", 0.87), None, 1, "worse by 0.03 (3.33%)"),
    "drop: better": (DROP, scored("alpha", "gda", 0.95), None, 0, "better by 0.05"),
    "drop: not the best": (DROP, scored("gamma", "gda", 0.5), None, 1, "gamma: 0.6 → 0.5"),
    "drop: absolute, within": (
        (*BASE, "--max-drop", "gda:0.02"), scored("alpha", "gda", 0.885), None, 0, "--max-drop",
    ),
    "drop: absolute, beyond": (
        (*BASE, "--max-drop", "gda:0.02"), scored("alpha", "gda", 0.875), None, 1, "0.025",
    ),
    "drop: lower is better, better": (
        (*BASE, "--max-drop", "low:2%"), scored("alpha", "low", 0.05), None, 0, "better by 0.05",
    ),
    "drop: lower is better, worse": (
        (*BASE, "--max-drop", "low:2%"), scored("alpha", "low", 0.2), None, 1, "worse by 0.1",
    ),
    "drop: within the interval": (
        DROP, scored("alpha", "gda", 0.85), scored("alpha", "gda", 0.9, low=0.84, high=0.95), 0,
        "within the baseline's interval 0.84 to 0.95",
    ),
    "drop: beyond the interval": (
        DROP, scored("alpha", "gda", 0.8), scored("alpha", "gda", 0.9, low=0.84, high=0.95), 1,
        "beyond the baseline's interval 0.84 to 0.95",
    ),
    "drop: within the null": (
        DROP, scored("alpha", "gda", 0.85, null_mean=0.3, null_std=0.05), None, 0,
        "within 2 standard deviations of the null (0.1)",
    ),
    "drop: beyond the null": (
        DROP, scored("alpha", "gda", 0.75, null_mean=0.3, null_std=0.05), None, 1,
        "beyond 2 standard deviations of the null (0.1)",
    ),
    "drop: another model is best, and as good": (
        DROP, swapped("alpha", "beta"), None, 1, "best, beta after alpha: 0.9 → 0.9, equal",
    ),
    "drop: a worse list of candidates": (
        DROP, all_of(without("alpha"), without("beta")), None, 1,
        "best, gamma after alpha: 0.9 → 0.6",
    ),
    # --fail-under
    "floor: above": (("--fail-under", "gda=0.8"), None, None, 0, "best, alpha: 0.9; at least"),
    "floor: equal": (("--fail-under", "gda=0.9"), None, None, 0, "best, alpha: 0.9"),
    "floor: below": (("--fail-under", "gda=0.95"), None, None, 1, "best, alpha: 0.9"),
    "floor: lower is better, good": (("--fail-under", "low=0.2"), None, None, 0, "at most"),
    "floor: lower is better, bad": (("--fail-under", "low=0.05"), None, None, 1, "at most"),
    "floor: no score": (
        ("--fail-under", "gda=0.1"), unscored("alpha", "gda"), None, 3, "only one class",
    ),
    "floor: nothing ranked": (("--fail-under", "gda=0.1"), empty, None, 3, "no model is ranked"),
    # --expect-top and --within-top
    "top: is": (("--expect-top", "alpha"), None, None, 0, "alpha is number 1 of 3"),
    "top: by id": (("--expect-top", "timm:alpha"), None, None, 0, "alpha is number 1"),
    "top: is not": (("--expect-top", "beta"), None, None, 1, "2 of 3; first is alpha"),
    "top: is not there": (("--expect-top", "alpa"), None, None, 3, "did you mean alpha"),
    "top: failed": (("--expect-top", "alpha"), failed("alpha"), None, 3, "alpha failed: no hub"),
    "within: is": (("--within-top", "2", "beta"), None, None, 0, "beta is number 2"),
    "within: is not": (("--within-top", "2", "gamma"), None, None, 1, "gamma is number 3"),
    "within: is not there": (("--within-top", "2", "delta"), None, None, 3, "delta is not in"),
    # --min-tau
    "tau: same order": (TAU, None, None, 0, "weighted tau over 3 models is 1.0000"),
    "tau: other order": (TAU, swapped("alpha", "gamma"), None, 1, "is -1.0000"),
    "tau: one model": (TAU, all_of(without("alpha"), without("beta")), None, 3, "no order"),
    # --candidate --beats
    "duel: wins": (("--candidate", "alpha", "--beats", "beta"), None, None, 0, "number 1 against"),
    "duel: loses": (("--candidate", "gamma", "--beats", "beta"), None, None, 1, "number 3 against"),
    "duel: wins by a metric": (
        ("--candidate", "alpha", "--beats", "beta", "--by", "low"), None, None, 0, "low 0.1",
    ),
    "duel: loses by a metric": (
        ("--candidate", "beta", "--beats", "alpha", "--by", "low"), None, None, 1, "low 0.2",
    ),
    "duel: equal does not beat": (
        ("--candidate", "alpha", "--beats", "beta", "--by", "gda"),
        all_of(scored("beta", "gda", 0.9, rank=1)), None, 1, "equal does not beat",
    ),
    "duel: is not there": (("--candidate", "x", "--beats", "beta"), None, None, 3, "x is not in"),
    "duel: no score": (
        ("--candidate", "alpha", "--beats", "beta", "--by", "gda"), unscored("beta", "gda"), None,
        3, "no gda score of both",
    ),
    # What never passes
    "never: partial": (DROP, partial, None, 3, "the result is partial"),
    "never: partial, whatever else": (
        (*DROP, "--fail-under", "gda=0.99"), partial, None, 3, "the result is partial",
    ),
    "never: a shard alone": (DROP, unfinished_shard, None, 3, "partial: timm:delta to come"),
    "never: partial baseline": (DROP, None, partial, 3, "the baseline is partial"),
    "never: a failed model": (DROP, failed("gamma"), None, 3, "gamma failed: no hub"),
    "never: a failed model looks like no verdict": (
        DROP, failed("alpha"), None, 3, "alpha failed: no hub",
    ),
    "never: a failure without a baseline": (
        ("--expect-top", "alpha"), failed("gamma"), None, 3, "gamma failed",
    ),
    "never: a failure in the baseline": (DROP, None, failed("gamma"), 3, "gamma failed"),
    "never: a missing row": (DROP, without("gamma"), None, 3, "gamma is in the baseline and not"),
    "never: a missing row, by tau": (TAU, without("gamma"), None, 3, "gamma is in the baseline"),
    "never: a missing score": (DROP, unscored("beta", "gda"), None, 3, "beta: no gda score"),
    "never: an empty result": (DROP, empty, None, 3, "no model is ranked"),
    "never: another target": (DROP, other_target, None, 2, "the baseline is of pets ffff"),
    "never: another target, by tau": (TAU, other_target, None, 2, "the baseline is of pets"),
    "never: another version": (DROP, other_version, None, 2, "gda is version 1 in the baseline"),
    "never: other parameters": (DROP, other_params, None, 2, "folds"),
    "never: the other direction": (DROP, other_direction, None, 2, "gda is version 1"),
    "never: another layer": (DROP, at("b3"), None, 3, "beta: its best layer was pre_logits (auto)"),
    "never: another pooling": (
        DROP, at("pre_logits", "gem", ("gda",)), None, 3, "now pre_logits (gem)",
    ),
    "drop: another layer, by a metric that compares layers": (
        DROP, at("b3", by=("gda",)), None, 0, "3 of 3 shared models hold",
    ),
    "never: other metrics": (TAU, other_metrics, None, 2, "ordered by the mean rank over gda, low"),
    "never: another precision": (DROP, in_bfloat16, in_float32, 2, "computed in float32"),
    # Unless it is allowed by name
    "allowed: partial": ((*DROP, "--allow", "partial"), partial, None, 0, "allowed"),
    "allowed: partial, and it fails": (
        (*DROP, "--allow", "partial"), all_of(partial, scored("beta", "gda", 0.1)), None, 1, "beta",
    ),
    "allowed: failed": (
        (*DROP, "--allow", "failed,missing-row"), failed("gamma"), None, 0, "2 of 2 shared",
    ),
    "allowed: missing row": (
        (*DROP, "--allow", "missing-row"), without("gamma"), None, 0, "2 of 2 shared models hold",
    ),
    "allowed: other target": ((*DROP, "--allow", "other-target"), other_target, None, 0, "allowed"),
    "allowed: other version": (
        (*DROP, "--allow", "other-metrics"), other_version, None, 0, "allowed",
    ),
    "allowed: other precision": (
        (*DROP, "--allow", "other-precision"), in_bfloat16, in_float32, 0, "allowed",
    ),
    "allowed: something else": ((*DROP, "--allow", "failed"), partial, None, 3, "is partial"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_truth_table(featrank_main: Main, tmp_path: Path, case: Case) -> None:
    arguments, now, then, code, said = case
    (tmp_path / "r.json").write_text(json.dumps(changed(now)))
    (tmp_path / "base.json").write_text(json.dumps(changed(then)))
    before = (tmp_path / "base.json").read_bytes()
    ended = featrank_main("gate", "r.json", *arguments)
    assert ended.code == code, ended.out + ended.err
    assert said in ended.out
    last = ended.out.splitlines()[-1]
    verdict = {0: "gate: passed", 1: "gate: failed"}.get(code, "gate: no verdict")
    assert last.startswith(verdict)
    assert (tmp_path / "base.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["base.json", "r.json"]


def verdict(*checks: tuple[str, str]) -> GateResult:
    return GateResult(tuple(Check("--x", outcome, "because", kind) for outcome, kind in checks))


# What outweighs what: another's numbers, then a run that is not whole, then a no, then a gap.
@pytest.mark.parametrize(
    ("checks", "code", "summary"),
    [
        ([], 0, "gate: passed (0 checks)"),
        ([(PASS, ""), (PASS, "")], 0, "gate: passed (2 checks)"),
        ([(PASS, ""), (ALLOWED, "partial")], 0, "gate: passed (1 checks)"),
        ([(PASS, ""), (FAIL, "")], 1, "gate: failed (1 of 2 checks failed)"),
        (
            [(FAIL, ""), (REFUSED, "missing-row")], 1,
            "gate: failed (1 of 1 checks failed, 1 could not be judged)",
        ),
        ([(PASS, ""), (REFUSED, "missing-row")], 3, "(1 checks, 1 could not be judged)"),
        ([(FAIL, ""), (REFUSED, "partial")], 3, "gate: no verdict (1 of 1 checks failed"),
        ([(FAIL, ""), (REFUSED, "failed")], 3, "gate: no verdict"),
        ([(REFUSED, "failed"), (REFUSED, "other-target")], 2, "gate: no verdict"),
        ([(FAIL, ""), (REFUSED, "other-precision")], 2, "gate: no verdict"),
    ],
)  # fmt: skip
def test_what_outweighs_what(checks: list[tuple[str, str]], code: int, summary: str) -> None:
    result = verdict(*checks)
    assert result.exit_code == code
    assert summary in result.summary


def test_a_best_model_that_lacks_the_metric_is_named() -> None:
    """As where results with different metrics are joined: models are ranked, and by others."""
    document = three_models()
    del document["rows"][0]["scores"]["gda"]
    demand = Conditions(fail_under=(FailUnder("gda", 0.1),))
    (check,) = judge(result_of(document), None, demand).checks
    assert (check.outcome, check.kind) == (REFUSED, "missing-row")
    assert check.reason == "best, alpha: no gda score: it was never computed"


def test_a_short_name_of_two_models_is_asked_back() -> None:
    document = three_models()
    document["rows"][1] |= {"model": "random:alpha", "requested": "random:alpha"}
    document["candidates"][1] = "random:alpha"
    result = result_of(document)
    document["rows"][0]["requested"] = "timm:alpha"
    with pytest.raises(InputError, match="'alpha' names 2 models") as caught:
        judge(result_of(document), None, Conditions(expect_top="alpha"))
    assert caught.value.hint == "say random:alpha or timm:alpha"
    # What was typed goes before the name inside a zoo.
    assert judge(result, None, Conditions(expect_top="alpha")).exit_code == 0


def test_equal_scores_are_decided_by_the_tie_break() -> None:
    document = three_models()
    document["rows"][1]["scores"]["gda"]["value"] = 0.9
    result = result_of(document)
    by_gda = judge(result, None, Conditions(beats=("alpha", "beta"), beats_by="gda"))
    assert by_gda.exit_code == 0
    assert by_gda.checks[0].reason == "gda 0.9 against 0.9, decided by the tie-break"


def test_a_place_without_a_score_is_no_verdict() -> None:
    """Alone in the table, a model without any number is still the first of one."""

    def alone(document: dict[str, Any]) -> None:
        document["rows"] = document["rows"][:1]
        document["candidates"] = [row["model"] for row in document["rows"]]

    change = all_of(alone, unscored("alpha", "gda"), unscored("alpha", "low"))
    result = result_of(changed(change))
    for conditions in (Conditions(expect_top="alpha"), Conditions(within_top=(2, "alpha"))):
        verdict = judge(result, None, conditions)
        assert verdict.exit_code == 3
        assert [check.outcome for check in verdict.checks] == [REFUSED]
