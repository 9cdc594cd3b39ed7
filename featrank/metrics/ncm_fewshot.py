"""Nearest class mean from a few shots."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.balanced_accuracy import balanced_accuracy, hits_by_class
from featrank.labelled.canonical_sample import CanonicalSample, Float64Array, draw_sample
from featrank.labelled.group_splits import groups_of_classes, hold_out_groups
from featrank.labelled.labelled import Labelled
from featrank.metrics._declaration import Metric
from featrank.records import IntArray, Score

# More rows are sampled down to about this many.
_MAX_ROWS = 20_000

# Of the lengths of row and mean: scores no farther apart differ by rounding.
_ROUNDING = 1e-14


def compute(
    labelled: Labelled, *, shots: int = 5, queries: int = 5, episodes: int = 50, seed: int = 0
) -> Score:
    """Mean accuracy of the nearest class mean over episodes of few shots.

    Snell et al., "Prototypical Networks for Few-shot Learning", NeurIPS 2017 (arXiv 1703.05175);
    on pretrained features Galanti et al., "On the Role of Neural Collapse in Transfer Learning",
    ICLR 2022 (arXiv 2112.15121). In each episode 5 rows of each class make its mean, and up to 5
    others are assigned to the nearest mean in Euclidean distance. All classes take part in all
    episodes. The value is the mean over the classes of the share assigned rightly, averaged over
    50 episodes; ``details`` hold the standard deviation between the episodes.

    Edge rules: a class of n ≤ 5 rows gives n - 1 shots, one row being left to ask for; a class of
    one row takes no part. Of equally near means, the class that comes first in canonical order is
    taken. Where rows belong to groups, the rows asked for are of groups that make no mean in that
    episode: as many groups as it takes for 5 rows of each class, if enough rows are left to make
    the means. A class whose rows are all of one group takes no part, and where classes share groups
    one may be passed over in an episode.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 20 000 rows a sample of
            each class is taken; ``details`` say so.
        shots: Rows that make a mean.
        queries: Rows of each class asked for, at most.
        episodes: How often.
        seed: Draws the episodes, and chooses the sample.

    Raises:
        InputError: Features are constant, fewer than two classes have two samples (of different
            groups), or a parameter is below 1.
    """
    if min(shots, queries, episodes) < 1:
        raise InputError("ncm_fewshot needs shots, queries and episodes of at least 1")
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    classes = [sample.rows_of(label) for label in _usable_classes(sample)]
    rng = np.random.default_rng(seed)
    centre = sample.features.mean(axis=0)
    accuracies = np.empty(episodes)
    for episode in range(episodes):
        learnt, asked = _draw(sample, classes, shots, queries, rng)
        means = np.stack([sample.features[rows].mean(axis=0) for rows in learnt])
        truth = np.repeat(np.arange(len(asked)), [len(rows) for rows in asked])
        # Around the centre the terms of the squared distance cancel less.
        means -= centre
        rows = sample.features[np.concatenate(asked)] - centre
        nearest = _first_nearest(rows, means)
        counts = np.bincount(truth)
        hits = hits_by_class(truth, nearest, len(counts))
        accuracies[episode] = balanced_accuracy(hits, counts)
    details = {
        "std": float(accuracies.std()),
        "shots": shots,
        "episodes": episodes,
        "ways": len(classes),
        "seed": seed,
        **details,
    }
    return Score(float(accuracies.mean()), details=details)


def _usable_classes(sample: CanonicalSample) -> list[int]:
    """Those with a row to learn from, and one of another group to ask for."""
    groups = np.arange(sample.n_samples) if sample.groups is None else sample.groups
    usable = np.flatnonzero(groups_of_classes(sample.labels, groups, sample.n_classes) > 1)
    if len(usable) < 2:
        of_groups = "" if sample.groups is None else ", of different groups"
        raise InputError(
            f"ncm_fewshot needs two classes of at least 2 samples{of_groups}: one to learn from,"
            " one to ask for"
        )
    return usable.tolist()


def _draw(
    sample: CanonicalSample,
    classes: list[IntArray],
    shots: int,
    queries: int,
    rng: np.random.Generator,
) -> tuple[list[IntArray], list[IntArray]]:
    """For each class the rows that make its mean, and those asked for."""
    drawn = [rng.permutation(rows) for rows in classes]
    if sample.groups is None:
        split = [min(shots, len(rows) - 1) for rows in classes]
        return (
            [rows[:n] for rows, n in zip(drawn, split, strict=True)],
            [rows[n : n + queries] for rows, n in zip(drawn, split, strict=True)],
        )
    rows = np.concatenate(classes)
    wanted = np.full(sample.n_classes, queries)
    held_out = np.zeros(sample.n_samples, dtype=bool)
    held_out[rows] = hold_out_groups(
        sample.labels[rows], sample.groups[rows], wanted, np.minimum(shots, sample.counts - 1), rng
    )
    return (
        [rows[~held_out[rows]][:shots] for rows in drawn],
        [rows[held_out[rows]][:queries] for rows in drawn],
    )


def _first_nearest(rows: Float64Array, means: Float64Array) -> IntArray:
    """The nearest mean of each row; the first of those that are equally near."""
    squares = np.square(means).sum(axis=1)
    scores = rows @ means.T - 0.5 * squares
    length = np.sqrt(squares.max())
    rounding = _ROUNDING * length * (np.linalg.norm(rows, axis=1, keepdims=True) + length)
    nearest: IntArray = (scores >= scores.max(axis=1, keepdims=True) - rounding).argmax(axis=1)
    return nearest


METRIC = Metric(
    name="ncm_fewshot",
    summary="accuracy of the nearest class mean from 5 shots",
    paper="Snell et al., NeurIPS 2017, arXiv 1703.05175",
    version=3,
    higher_is_better=True,
    predicts="few-shot",
    cost="N C d",
    traps="The mean over 50 episodes still has a spread: see the details.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"shots": 5, "queries": 5, "episodes": 50, "seed": 0},
    bounds=(0.0, 1.0),
)
