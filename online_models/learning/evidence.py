"""How well everybody predicted what came next: sums of losses, block by block.

Every row was predicted before anyone learned from it, by every tier that could have answered an
install and by every contestant. Losses are in nats per row, a row being one bin as one landmark
foresaw it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from online_models.hazard.rules import CHANCE_MIN, Numbers
from online_models.learning.verdicts import finite

EVIDENCE_TIERS = ("full", "install_only", "rates", "constant")
"""Best first: the model, the same with only what was known at the install, shrunk rates by
source, country and platform, and one rate for everybody."""


class PrequentialBlock(NamedTuple):
    """The rows of one block. NaN: that one was not asked."""

    labels: NDArray[np.bool_]
    landmarks: NDArray[np.int64]
    tiers: tuple[Numbers, ...]  # in the order of TIERS
    contestants: tuple[Numbers, ...]
    champion: Numbers


class BlockSums(Struct, frozen=True, array_like=True, gc=False):
    rows: int
    positives: int
    predicted: float  # by the first tier
    tiers: list[float]
    contestants: list[float]
    beside_rows: int
    """Rows that the version published last was asked for, and losses on these alone."""
    beside_own: float
    beside_base: float
    beside_champion: float


class ValueSums(Struct, frozen=True, array_like=True, gc=False):
    """Sums over the rows of one block of the value learner; amounts in the reporting currency,
    losses in nats."""

    rows: int
    with_revenue: int
    came: float
    expected: float
    loss: float
    mean_loss: float


class Evidence(Struct, frozen=True):
    """Over the last blocks. NaN where there is nothing to divide by."""

    rows: int
    positives: int
    log_loss: dict[str, float]
    """By tier, and by contestant as `contestant:NAME`."""
    normalised_entropy: float
    """Log loss over that of one rate per bin for everybody."""
    entropy_over_rates: float
    calibration: float
    """Sum of predictions over number of positives."""
    champion_entropy: float
    own_entropy_beside_champion: float


def block_sums(lesson: PrequentialBlock) -> BlockSums:
    labels = lesson.labels
    beside = ~np.isnan(lesson.champion)
    own, base = _losses(labels, lesson.tiers[0]), _losses(labels, lesson.tiers[-1])
    return BlockSums(
        rows=len(labels),
        positives=int(np.count_nonzero(labels)),
        predicted=float(lesson.tiers[0].sum()),
        tiers=[float(_losses(labels, said).sum()) for said in lesson.tiers],
        contestants=[float(_losses(labels, said).sum()) for said in lesson.contestants],
        beside_rows=int(np.count_nonzero(beside)),
        beside_own=float(own[beside].sum()),
        beside_base=float(base[beside].sum()),
        beside_champion=float(_losses(labels[beside], lesson.champion[beside]).sum()),
    )


def _losses(labels: NDArray[np.bool_], said: Numbers) -> Numbers:
    """Of each row, in nats; no single row can cost more than that of a bounded chance."""
    chance = np.clip(np.where(labels, said, 1.0 - said), CHANCE_MIN, 1.0 - CHANCE_MIN)
    lost: Numbers = -np.log(chance)
    return lost


def target_evidence(blocks: Iterable[BlockSums], names: Sequence[str]) -> Evidence:
    """`names` of the contestants."""
    kept = list(blocks)
    rows, positives = sum(one.rows for one in kept), sum(one.positives for one in kept)
    tiers = _summed([one.tiers for one in kept], len(EVIDENCE_TIERS))
    contestants = _summed([one.contestants for one in kept], len(names))
    base = math.fsum(one.beside_base for one in kept)
    return Evidence(
        rows=rows,
        positives=positives,
        log_loss={
            **{tier: _ratio(lost, rows) for tier, lost in zip(EVIDENCE_TIERS, tiers, strict=True)},
            **{
                f"contestant:{name}": _ratio(lost, rows)
                for name, lost in zip(names, contestants, strict=True)
            },
        },
        normalised_entropy=_ratio(tiers[0], tiers[-1]),
        entropy_over_rates=_ratio(tiers[0], tiers[EVIDENCE_TIERS.index("rates")]),
        calibration=_ratio(math.fsum(one.predicted for one in kept), positives),
        champion_entropy=_ratio(math.fsum(one.beside_champion for one in kept), base),
        own_entropy_beside_champion=_ratio(math.fsum(one.beside_own for one in kept), base),
    )


def figures_of(evidence: Evidence) -> dict[str, float]:
    """By name, for a row of outcomes; what is not a number is left out."""
    return finite(
        {
            "rows": float(evidence.rows),
            "positives": float(evidence.positives),
            "normalised_entropy": evidence.normalised_entropy,
            "entropy_over_rates": evidence.entropy_over_rates,
            "calibration_ratio": evidence.calibration,
            "normalised_entropy_live": evidence.champion_entropy,
            "normalised_entropy_beside_live": evidence.own_entropy_beside_champion,
            **{f"log_loss:{name}": lost for name, lost in evidence.log_loss.items()},
        }
    )


def _summed(columns: Sequence[Sequence[float]], size: int) -> list[float]:
    return [math.fsum(one[place] for one in columns) for place in range(size)]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
