"""How well every tier and model predicted the log: sums of losses, block by block.

Every row was predicted before any model learned from it (prequential evaluation: Dawid 1984): by
every tier that could have answered for the install, by the champion and by every challenger.
Losses are in nats per row; a row is one bin as seen from one landmark.
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
"""Best first: the model, the same model with only what was known at the install, shrunk rates by
source, country and platform, and one rate per bin for all installs."""


class PrequentialBlock(NamedTuple):
    """The rows of one block with all their predictions, made before the block was learned.

    All arrays have one element per row. NaN: no prediction was made.
    """

    labels: NDArray[np.bool_]
    landmarks: NDArray[np.int64]
    tiers: tuple[Numbers, ...]  # hazards, in the order of EVIDENCE_TIERS
    models: tuple[Numbers, ...]  # hazards by each model, champion and challengers
    published: Numbers  # hazards by the version published last


class BlockSums(Struct, frozen=True, array_like=True, gc=False):
    """What evidence keeps of one block. Losses are sums, in nats."""

    rows: int
    positives: int
    predicted: float  # sum of the hazards of the first tier
    tiers: list[float]
    models: list[float]
    sampled_rows: int
    """Rows that the version published last predicted as well, and losses on these alone."""
    sampled_own: float
    sampled_base: float
    sampled_published: float


class ValueSums(Struct, frozen=True, array_like=True, gc=False):
    """Sums over the rows of one block of the value learner: amounts in the reporting currency, and
    Poisson losses."""

    rows: int
    with_revenue: int
    actual: float
    expected: float
    loss: float
    mean_loss: float  # of one mean per landmark and bucket


class Evidence(Struct, frozen=True):
    """Means over the last blocks. NaN where there is nothing to divide by."""

    rows: int
    positives: int
    log_loss: dict[str, float]
    """Nats per row, by tier, and by model as `challenger:NAME`."""
    normalised_entropy: float
    """Log loss over that of one rate per bin for all installs (He et al. 2014)."""
    entropy_over_rates: float
    calibration: float
    """Sum of predictions over number of positives."""
    published_entropy: float
    """Normalised entropy of the version published last, on the rows that it predicted."""
    own_entropy_on_sample: float
    """That of the learner's own model on the same rows."""


def block_sums(block: PrequentialBlock) -> BlockSums:
    """The sums that evidence needs of a block."""
    labels = block.labels
    sampled = ~np.isnan(block.published)
    own, base = _losses(labels, block.tiers[0]), _losses(labels, block.tiers[-1])
    return BlockSums(
        rows=len(labels),
        positives=int(np.count_nonzero(labels)),
        predicted=float(block.tiers[0].sum()),
        tiers=[float(_losses(labels, predicted).sum()) for predicted in block.tiers],
        models=[float(_losses(labels, predicted).sum()) for predicted in block.models],
        sampled_rows=int(np.count_nonzero(sampled)),
        sampled_own=float(own[sampled].sum()),
        sampled_base=float(base[sampled].sum()),
        sampled_published=float(_losses(labels[sampled], block.published[sampled]).sum()),
    )


def _losses(labels: NDArray[np.bool_], predicted: Numbers) -> Numbers:
    """Log loss of each row; bounded, since hazards are bounded away from 0 and 1."""
    chance = np.clip(np.where(labels, predicted, 1.0 - predicted), CHANCE_MIN, 1.0 - CHANCE_MIN)
    losses: Numbers = -np.log(chance)
    return losses


def target_evidence(blocks: Iterable[BlockSums], names: Sequence[str]) -> Evidence:
    """Evidence over these blocks. `names`: of the models, in the order of `BlockSums.models`."""
    kept = list(blocks)
    rows, positives = sum(sums.rows for sums in kept), sum(sums.positives for sums in kept)
    tiers = _summed([sums.tiers for sums in kept], len(EVIDENCE_TIERS))
    models = _summed([sums.models for sums in kept], len(names))
    base = math.fsum(sums.sampled_base for sums in kept)
    by_tier = zip(EVIDENCE_TIERS, tiers, strict=True)
    by_model = zip(names, models, strict=True)
    return Evidence(
        rows=rows,
        positives=positives,
        log_loss={
            **{tier: _ratio(loss, rows) for tier, loss in by_tier},
            **{f"contestant:{name}": _ratio(loss, rows) for name, loss in by_model},
        },
        normalised_entropy=_ratio(tiers[0], tiers[-1]),
        entropy_over_rates=_ratio(tiers[0], tiers[EVIDENCE_TIERS.index("rates")]),
        calibration=_ratio(math.fsum(sums.predicted for sums in kept), positives),
        published_entropy=_ratio(math.fsum(sums.sampled_published for sums in kept), base),
        own_entropy_on_sample=_ratio(math.fsum(sums.sampled_own for sums in kept), base),
    )


def figures_of(evidence: Evidence) -> dict[str, float]:
    """The evidence by name, for a row of outcomes; NaN is left out."""
    return finite(
        {
            "rows": float(evidence.rows),
            "positives": float(evidence.positives),
            "normalised_entropy": evidence.normalised_entropy,
            "entropy_over_rates": evidence.entropy_over_rates,
            "calibration_ratio": evidence.calibration,
            "normalised_entropy_live": evidence.published_entropy,
            "normalised_entropy_beside_live": evidence.own_entropy_on_sample,
            **{f"log_loss:{name}": loss for name, loss in evidence.log_loss.items()},
        }
    )


def _summed(columns: Sequence[Sequence[float]], size: int) -> list[float]:
    return [math.fsum(column[number] for column in columns) for number in range(size)]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
