"""Ranking × conditions → verdict, for CI. Nothing is changed, and doubt never passes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from featrank.errors import InputError
from featrank.gate.conditions import REFUSALS, Conditions, FailUnder, MaxDrop
from featrank.gate.drops import judge_drop
from featrank.records import FAILED, MetricScore, Result, ScoreRow
from featrank.registry import did_you_mean
from featrank.results.agreement import weighted_tau

PASS, FAIL, REFUSED, ALLOWED = "pass", "fail", "no verdict", "allowed"

# A crash must not look like a verdict: after these, what failed may have failed because of them.
_NOT_A_VERDICT = ("partial", "failed")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the verdict.

    Attributes:
        condition: What was demanded, as it would be typed.
        outcome: pass, fail, no verdict, or allowed.
        reason: What was found.
        kind: Of :data:`~featrank.gate.conditions.REFUSALS`, where there is no verdict.
    """

    condition: str
    outcome: str
    reason: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class GateResult:
    """The verdict, and why."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """0 passed; 1 the gate says no; 2 what was given does not belong together; 3 incomplete."""
        refused = [check.kind for check in self.checks if check.outcome == REFUSED]
        if any(REFUSALS[kind] == 2 for kind in refused):
            return 2
        if any(kind in _NOT_A_VERDICT for kind in refused):
            return 3
        if any(check.outcome == FAIL for check in self.checks):
            return 1
        return 3 if refused else 0

    @property
    def summary(self) -> str:
        """One line."""
        failed = sum(check.outcome == FAIL for check in self.checks)
        refused = sum(check.outcome == REFUSED for check in self.checks)
        verdict = {0: "passed", 1: "failed"}.get(self.exit_code, "no verdict")
        judged = sum(check.outcome in (PASS, FAIL) for check in self.checks)
        said = [f"{failed} of {judged} checks failed"] if failed else [f"{judged} checks"]
        if refused:
            said.append(f"{refused} could not be judged")
        return f"gate: {verdict} ({', '.join(said)})"


def judge(result: Result, baseline: Result | None, conditions: Conditions) -> GateResult:
    """Judge a result.

    Args:
        result: What is to pass.
        baseline: What it is compared with; None where there is none.
        conditions: What is demanded.

    Raises:
        InputError: A condition names a metric that is not there, or needs a baseline.
    """
    if (
        baseline is None
        and conditions.needs_baseline
        and not conditions.allow & {"missing-baseline"}
    ):
        raise InputError(
            f"{conditions.needs_baseline} without a baseline", "give one: --baseline base.json"
        )
    return GateResult(tuple(_Judge(result, baseline, conditions).checks()))


@dataclass(frozen=True, slots=True)
class _Judge:
    result: Result
    baseline: Result | None
    conditions: Conditions
    _tops: dict[str, ScoreRow] = field(default_factory=dict)

    def checks(self) -> Iterator[Check]:
        """Every line of the verdict."""
        comparable = True
        yield from self._state("result", self.result)
        if self.baseline is not None:
            yield from self._state("baseline", self.baseline)
            for check in self._differences(self.baseline):
                comparable &= check.outcome == ALLOWED
                yield check
            if comparable:
                yield from self._against(self.baseline)
        elif self.conditions.needs_baseline:
            yield self._refuse("baseline", "missing-baseline", "there is none to compare with")
        yield from (self._floor(demand) for demand in self.conditions.fail_under)
        yield from self._places()
        if self.conditions.beats is not None:
            yield self._duel(*self.conditions.beats)

    # What may not pass, whatever was demanded

    def _state(self, name: str, result: Result) -> Iterator[Check]:
        """Whether a result is whole and without failures."""
        present = {row.model.id for row in result.ranking.rows}
        missing = [model for model in result.candidates if model not in present]
        if result.partial or missing:
            named = f": {_some(missing)} to come" if missing else ""
            yield self._refuse(name, "partial", f"the {name} is partial{named}")
        for row in result.ranking.failed:
            said = f"{row.model.requested} failed: {row.reason}"
            yield self._refuse(name, "failed", said)

    def _differences(self, baseline: Result) -> Iterator[Check]:
        """What keeps numbers of the baseline from comparing with those of the result."""
        now, then = self.result, baseline
        if now.target.fingerprint != then.target.fingerprint:
            yield self._refuse(
                "baseline", "other-target",
                f"the baseline is of {then.target.name} {then.target.fingerprint[:12]}, the result"
                f" of {now.target.name} {now.target.fingerprint[:12]}",
            )  # fmt: skip
        precisions = [r.config.get("precision") for r in (then, now)]
        if None not in precisions and precisions[0] != precisions[1]:
            yield self._refuse(
                "baseline", "other-precision",
                f"the baseline was computed in {precisions[0]}, the result in {precisions[1]}",
            )  # fmt: skip
        if _order(now) != _order(then):
            said = f"the baseline is ordered by {_order(then)}, the result by {_order(now)}"
            yield self._refuse("baseline", "other-metrics", said)
        before = dict(_declared(then))
        for metric, score in _declared(now):
            other = before.get(metric, score)
            if _identity(other) != _identity(score):
                said = f"{metric} is {_version(other)} in the baseline, now {_version(score)}"
                yield self._refuse("baseline", "other-metrics", said)

    # What was demanded

    def _against(self, baseline: Result) -> Iterator[Check]:
        demands = self.conditions
        if not demands.max_drop and demands.min_tau is None:
            return
        now = {row.model.id: row for row in _ranked(self.result)}
        shared = []
        for row in _ranked(baseline):
            if row.model.id in now:
                shared.append((row, now[row.model.id]))
            else:
                said = f"{row.model.requested} is in the baseline and not in the result"
                yield self._refuse("baseline", "missing-row", said)
        for drop in demands.max_drop:
            yield from self._drops(drop, baseline, shared)
        if demands.min_tau is not None:
            yield self._agreement(demands.min_tau, shared)

    def _drops(
        self, limit: MaxDrop, baseline: Result, shared: Sequence[tuple[ScoreRow, ScoreRow]]
    ) -> Iterator[Check]:
        """Best against best, then each model against itself."""
        self._known(limit.metric, "--max-drop", self.result)
        self._known(limit.metric, "--max-drop", baseline)
        condition = f"--max-drop {limit}"
        tops = [next(iter(_ranked(result)), None) for result in (baseline, self.result)]
        if tops[0] is None or tops[1] is None:
            yield self._refuse(condition, "missing-row", "no model is ranked")
            return
        fine = 0
        pairs = [(f"best, {_change(tops[0], tops[1])}", tops[0], tops[1])]
        pairs += [(then.model.requested, then, now) for then, now in shared]
        for i, (name, then, now) in enumerate(pairs):
            before, after = _scored(then, limit.metric), _scored(now, limit.metric)
            if i and not self._layers_compare(then, now, limit.metric):
                was, is_ = (f"{row.layer.name} ({row.layer.pooling})" for row in (then, now))
                said = f"{name}: its best layer was {was}, now {is_}"
                yield self._refuse(condition, "missing-row", said)
            elif before is None or after is None:
                yield self._refuse(condition, "missing-row", f"{name}: no {limit.metric} score")
            else:
                passed, said = judge_drop(before, after, limit)
                fine += passed and i > 0
                # Of the models that pass, the best one has a line of its own.
                if i == 0 or not passed:
                    yield Check(condition, PASS if passed else FAIL, f"{name}: {said}")
        if fine:
            yield Check(condition, PASS, f"{fine} of {len(shared)} shared models hold")

    def _layers_compare(self, then: ScoreRow, now: ScoreRow, metric: str) -> bool:
        """Whether a metric's scores at these two layers of one model compare."""
        if then.layer.pooling != now.layer.pooling:
            return False
        return then.layer.name == now.layer.name or metric in self.result.ranking.layers_by

    def _agreement(self, least: float, shared: Sequence[tuple[ScoreRow, ScoreRow]]) -> Check:
        condition = f"--min-tau {least:g}"
        # A lower rank is better.
        then, now = (
            ([-float(row.rank or 0) for row in rows] for rows in zip(*shared, strict=True))
            if shared
            else ([], [])
        )
        tau = weighted_tau(then, now)
        if math.isnan(tau):
            said = f"{len(shared)} shared models give no order to compare"
            return self._refuse(condition, "missing-row", said)
        said = f"weighted tau over {len(shared)} models is {tau:.4f}"
        return Check(condition, PASS if tau >= least else FAIL, said)

    def _floor(self, demand: FailUnder) -> Check:
        self._known(demand.metric, "--fail-under", self.result)
        condition = f"--fail-under {demand}"
        top = next(iter(_ranked(self.result)), None)
        if top is None:
            said = f"no {demand.metric} score: no model is ranked"
            return self._refuse(condition, "missing-row", said)
        scored = top.scores.get(demand.metric)
        if scored is None or scored.score is None:
            why = scored.reason if scored is not None else "it was never computed"
            said = f"best, {top.model.requested}: no {demand.metric} score: {why}"
            return self._refuse(condition, "missing-row", said)
        sign = 1 if scored.higher_is_better else -1
        passed = sign * scored.score.value >= sign * demand.threshold
        bound = "at least" if scored.higher_is_better else "at most"
        said = (
            f"best, {top.model.requested}: {scored.score.value:.6g};"
            f" {bound} {demand.threshold:g} is asked for"
        )
        return Check(condition, PASS if passed else FAIL, said)

    def _places(self) -> Iterator[Check]:
        demands: list[tuple[str, str, int]] = []
        if (name := self.conditions.expect_top) is not None:
            demands.append((f"--expect-top {name}", name, 1))
        if self.conditions.within_top is not None:
            most, name = self.conditions.within_top
            demands.append((f"--within-top {most} {name}", name, most))
        for condition, name, most in demands:
            found = self._find(condition, name)
            if isinstance(found, Check):
                yield found
                continue
            top = ", ".join(row.model.requested for row in _ranked(self.result) if row.rank == 1)
            said = f"{found.model.requested} is number {found.rank} of {len(_ranked(self.result))}"
            passed = found.rank is not None and found.rank <= most
            yield Check(condition, PASS if passed else FAIL, f"{said}; first is {top}")

    def _duel(self, candidate: str, rival: str) -> Check:
        by = self.conditions.beats_by
        condition = f"--candidate {candidate} --beats {rival}" + (f" --by {by}" if by else "")
        ours, theirs = self._find(condition, candidate), self._find(condition, rival)
        if isinstance(ours, Check):
            return ours
        if isinstance(theirs, Check):
            return theirs
        if by is None:
            said = f"number {ours.rank} against number {theirs.rank}"
            passed = (ours.rank or math.inf) < (theirs.rank or math.inf)
            return Check(condition, PASS if passed else FAIL, said)
        self._known(by, "--by", self.result)
        first, second = _scored(ours, by), _scored(theirs, by)
        if first is None or second is None or first.score is None or second.score is None:
            return self._refuse(condition, "missing-row", f"no {by} score of both")
        values = first.score.value, second.score.value
        # The ranks within a metric know its direction and its tie-break.
        passed = (first.rank or math.inf) < (second.rank or math.inf)
        said = f"{by} {values[0]:.6g} against {values[1]:.6g}"
        if values[0] == values[1]:
            said += ", decided by the tie-break" if passed else ": equal does not beat"
        return Check(condition, PASS if passed else FAIL, said)

    # Helpers

    def _refuse(self, condition: str, kind: str, reason: str) -> Check:
        outcome = ALLOWED if kind in self.conditions.allow else REFUSED
        return Check(condition, outcome, reason, kind)

    def _known(self, metric: str, flag: str, result: Result) -> None:
        known = result.ranking.metrics
        if metric not in known:
            where = "result" if result is self.result else "baseline"
            listing = f"it has: {', '.join(known)}"
            raise InputError(
                f"{flag} {metric}: the {where} has no such metric",
                did_you_mean(metric, known, listing),
            )

    def _is_scored(self, row: ScoreRow) -> bool:
        """Whether a row has a place for a score, and not for want of others."""
        by = self.result.ranking.by
        names = self.result.ranking.metrics if by is None else (by,)
        found = [row.scores.get(name) for name in names]
        return any(scored is not None and scored.score is not None for scored in found)

    def _find(self, condition: str, name: str) -> ScoreRow | Check:
        """The ranked row of the model that is called so, or why there is none."""
        rows = self.result.ranking.rows
        called = [row for row in rows if name in (row.model.requested, row.model.id)]
        called = called or [row for row in rows if row.model.name == name]
        ids = {row.model.id for row in called}
        if len(ids) > 1:
            raise InputError(f"'{name}' names {len(ids)} models", f"say {' or '.join(sorted(ids))}")
        if any(row.status == FAILED for row in called):
            return self._refuse(condition, "failed", f"{name} failed: {called[0].reason}")
        for row in called:
            if row.rank is not None:
                if self._is_scored(row):
                    return row
                said = f"{name} has no score that the order goes by"
                return self._refuse(condition, "missing-row", said)
        known = [row.model.requested for row in rows]
        hint = did_you_mean(name, known)
        said = f"{name} is not in the result{hint and f'; {hint}'}"
        return self._refuse(condition, "missing-row", said)


def _ranked(result: Result) -> list[ScoreRow]:
    """One row a model, in order."""
    return [row for row in result.ranking.rows if row.rank is not None]


def _declared(result: Result) -> Iterator[tuple[str, MetricScore]]:
    """Each metric with a score that says its version."""
    seen = set()
    for row in result.ranking.rows:
        for metric, score in row.scores.items():
            if metric not in seen:
                seen.add(metric)
                yield metric, score


def _identity(score: MetricScore) -> tuple[object, ...]:
    """What two scores share that compare."""
    return score.version, score.params, score.higher_is_better


def _version(score: MetricScore) -> str:
    params = ", ".join(f"{name}={value}" for name, value in score.params.items())
    return f"version {score.version}" + (f" ({params})" if params else "")


def _order(result: Result) -> str:
    """What a result is ordered by."""
    return result.ranking.by or f"the mean rank over {', '.join(sorted(result.ranking.metrics))}"


def _scored(row: ScoreRow, metric: str) -> MetricScore | None:
    """The score of a metric, where it has a value."""
    score = row.scores.get(metric)
    return score if score is not None and score.score is not None else None


def _change(then: ScoreRow, now: ScoreRow) -> str:
    if then.model.id == now.model.id:
        return now.model.requested
    return f"{now.model.requested} after {then.model.requested}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
