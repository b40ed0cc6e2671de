"""For which horizons a model answers: evidence on the stretch of life that each horizon ends.

A hazard model may be right about the first day and wrong about the third week, or the other way
round. The bins between a horizon and the one before it are what its chance adds; so they are judged
by themselves, in the same paired intervals as all bins together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.bins import Shape
from online_models.hazard.rules import Numbers, Places
from online_models.quality.paired_loss import PairedLoss, paired_loss
from online_models.targets.targets import POSITIVES_MIN

MATURE_ROWS = 200
"""Examples of its last bin, from which on a model may answer for a horizon."""


class StretchSums(Struct, frozen=True, array_like=True, gc=False):
    """Of one block and one stretch of life. Losses are sums, in nats."""

    rows: int
    positives: int
    own: float  # of the champion that learns
    rates: float
    base: float  # of one rate per bin
    beside_rows: int
    """Rows that the version published last predicted as well, and losses on these alone."""
    beside_own: float
    beside_rates: float
    beside_base: float
    published: float


class StretchLosses(NamedTuple):
    """Labels of the rows of a block, and their losses in nats."""

    labels: Numbers  # 1.0 or 0.0
    own: Numbers
    rates: Numbers
    base: Numbers
    published: Numbers
    """0 where it made no prediction."""
    is_beside: Numbers
    """1.0 where the version published last predicted; 0.0 elsewhere."""


def stretches_of(shape: Shape) -> Places:
    """Of each bin, the number of the horizon that it counts for first."""
    ends = [shape.bins_until(number) for number in range(len(shape.horizons))]
    found: Places = np.searchsorted(np.array(ends), np.arange(shape.bins), side="right")
    last: Places = np.minimum(found, len(ends) - 1)
    return last


def immature_horizons(shape: Shape, learned: Numbers) -> frozenset[str]:
    """Those whose last bin has hardly been learned; `learned`: examples of each bin."""
    return frozenset(
        horizon.name
        for number, horizon in enumerate(shape.horizons)
        if learned[shape.bins_until(number) - 1] < MATURE_ROWS
    )


def stretch_sums(stretch: Places, count: int, losses: StretchLosses) -> list[StretchSums]:
    """The sums of each of `count` stretches; `stretch`: of each row."""

    def total(weights: Numbers) -> list[float]:
        summed: list[float] = np.bincount(stretch, weights, count).tolist()
        return summed

    beside = losses.is_beside
    columns = [
        np.bincount(stretch, minlength=count).tolist(),
        [round(one) for one in total(losses.labels)],
        total(losses.own),
        total(losses.rates),
        total(losses.base),
        [round(one) for one in total(beside)],
        total(losses.own * beside),
        total(losses.rates * beside),
        total(losses.base * beside),
        total(losses.published),
    ]
    return [StretchSums(*row) for row in zip(*columns, strict=True)]


class HorizonEvidence(NamedTuple):
    """How the learner's own model compares with rates on the stretch that a horizon ends."""

    positives: int
    over_rates: PairedLoss
    rates_loss: float  # in nats a row


def horizon_evidence(blocks: Sequence[Sequence[StretchSums]]) -> list[HorizonEvidence]:
    """Of each horizon, over these blocks; those that were stored without are left out."""
    kept = [one for one in blocks if one]
    found = []
    for number in range(len(kept[0]) if kept else 0):
        sums = [one[number] for one in kept]
        rows = sum(one.rows for one in sums)
        found.append(
            HorizonEvidence(
                sum(one.positives for one in sums),
                paired_loss((one.own - one.rates, one.rows) for one in sums),
                sum(one.rates for one in sums) / rows if rows else 0.0,
            )
        )
    return found


def answered_by_rates(
    evidence: Sequence[HorizonEvidence],
    names: Sequence[str],
    immature: frozenset[str],
    margin: float,
) -> frozenset[str]:
    """The horizons for which rates answer: the model is shown to be worse there, by more than this
    share of their loss, and on enough that happened: where nothing did, whoever says least loses
    least. `immature`: those whose last bin hardly any install has reached, so that
    the model says what it said before it learned. Of a target with one horizon its gate decides
    alone."""
    if len(evidence) != len(names) or len(names) < 2:
        return frozenset()
    worse = {
        name
        for name, shown in zip(names, evidence, strict=True)
        if shown.positives >= POSITIVES_MIN
        and shown.over_rates.is_shown_worse
        and shown.over_rates.mean > margin * shown.rates_loss
    }
    return immature | worse
