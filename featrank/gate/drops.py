"""Whether a score is worse than it was, by more than is allowed and by more than noise."""

from __future__ import annotations

from featrank.gate.conditions import MaxDrop
from featrank.records import MetricScore

# Of the null's standard deviation: about 95 % of chance differences are smaller.
_DEVIATIONS = 2.0
_ROUNDING = 1e-12


def judge_drop(then: MetricScore, now: MetricScore, limit: MaxDrop) -> tuple[bool, str]:
    """Whether the change is allowed, and what it is.

    A drop within the noise does not count. Where a score has an interval, that is the noise: the
    drop counts only where each value lies beyond the other's interval. Else, where a score has a
    null, it is twice the standard deviation over permuted labels.

    Args:
        then: The baseline's score, with a value.
        now: The new one, with a value.
        limit: By how much it may be worse.
    """
    if then.score is None or now.score is None:
        raise ValueError("a score without a value cannot be compared")
    sign = 1 if now.higher_is_better else -1
    before, after = then.score.value, now.score.value
    drop = sign * (before - after)
    allowed = limit.amount * abs(before) if limit.relative else limit.amount
    share = f" ({abs(drop) / abs(before):.2%})" if before else ""
    word = "worse" if drop > 0 else "better"
    said = f"{before:.6g} → {after:.6g}, " + (
        f"{word} by {abs(drop):.4g}{share}" if drop else "equal"
    )
    if drop <= allowed + _ROUNDING * max(1.0, abs(before)):
        return True, said
    noise, within = _noise(then, now, sign, drop)
    return within, said + (f"; {'within' if within else 'beyond'} {noise}" if noise else "")


def _noise(then: MetricScore, now: MetricScore, sign: int, drop: float) -> tuple[str, bool]:
    """What is taken for noise, and whether the drop lies within it."""
    named = [("the baseline's", then, now), ("the new", now, then)]
    ends = []
    for name, score, other in named:
        if score.score is None or other.score is None or score.score.interval is None:
            continue
        low, high = score.score.interval
        ends.append(f"{name} interval {low:.6g} to {high:.6g}")
        # The baseline's worse end, or the better end of the new one.
        worse = (low if sign > 0 else high) if score is then else (high if sign > 0 else low)
        beyond = sign * (worse - other.score.value) * (1 if score is then else -1) > 0
        if not beyond:
            return ends[-1], True
    if ends:
        return " and ".join(ends), False
    deviations = [s.null.std for s in (then, now) if s.null is not None and s.null.std is not None]
    if not deviations:
        return "", False
    margin = _DEVIATIONS * max(deviations)
    return f"{_DEVIATIONS:g} standard deviations of the null ({margin:.4g})", drop <= margin
