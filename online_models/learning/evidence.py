"""How well every tier and model predicted the log: sums of losses, block by block.

Every row was predicted before any model learned from it (prequential evaluation: Dawid 1984): by
every tier that could have answered for the install, by the champion and by every challenger.
Losses are in nats per row; a row is one bin as seen from one landmark.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from online_models.hazard.rules import CHANCE_MIN, Numbers
from online_models.learning.verdicts import finite
from online_models.quality.horizon_evidence import (
    HorizonEvidence,
    StretchLosses,
    StretchSums,
    answered_by_rates,
    horizon_evidence,
    stretch_sums,
)
from online_models.quality.paired_loss import UNKNOWN, PairedLoss, paired_loss

EVIDENCE_TIERS = ("full", "install_only", "rates", "constant")
"""Best first: the model, the same model with only what was known at the install, shrunk rates by
source, country and platform, and one rate per bin for all installs."""

_RATES = EVIDENCE_TIERS.index("rates")


class PrequentialBlock(NamedTuple):
    """The rows of one block with all their predictions, made before the block was learned.

    All arrays have one element per row. NaN: no prediction was made.
    """

    labels: NDArray[np.bool_]
    landmarks: NDArray[np.int64]
    tiers: tuple[Numbers, ...]  # hazards, in the order of EVIDENCE_TIERS
    models: tuple[Numbers, ...]  # hazards by each model, champion and challengers
    published: Numbers  # hazards by the version published last
    stretches: NDArray[np.int64] | None = None
    """Which horizon each row counts for first; None: the target has one alone."""
    horizons: int = 1


class BlockSums(Struct, frozen=True, array_like=True, gc=False):
    """What evidence keeps of one block. Losses are sums, in nats."""

    rows: int
    positives: int
    predicted: float  # sum of the hazards of the first tier
    tiers: list[float]
    models: list[float]
    sampled_rows: int
    """Rows that the version published last predicted as well, and losses on these alone: all
    that it could use. Blocks stored by earlier builds sampled one example in eight."""
    sampled_own: float
    sampled_base: float
    sampled_published: float
    sampled_rates: float | None = None
    """None: the block was stored before this was compared."""
    stretches: list[StretchSums] = []
    """By horizon; none where the target has one alone, and in blocks that were stored before."""


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
    own_entropy_beside: float
    """That of the learner's own model on the same rows."""
    over_constant: PairedLoss = UNKNOWN
    """Of the learner's own model over one rate per bin, on all rows of the window."""
    over_rates: PairedLoss = UNKNOWN
    models_over_rates: dict[str, PairedLoss] = {}
    """The same of every model, by name."""
    over_published: PairedLoss = UNKNOWN
    """Since the version published last was published, and so the two below."""
    published_over_constant: PairedLoss = UNKNOWN
    published_over_rates: PairedLoss = UNKNOWN
    horizons: list[HorizonEvidence] = []
    """By horizon; none where the target has one alone."""


def block_sums(block: PrequentialBlock) -> BlockSums:
    """The sums that evidence needs of a block."""
    labels = block.labels
    beside = ~np.isnan(block.published)
    by_tier = [_losses(labels, predicted) for predicted in block.tiers]
    own, base, rates = by_tier[0], by_tier[-1], by_tier[_RATES]
    published = np.zeros(len(labels))
    published[beside] = _losses(labels[beside], block.published[beside])
    labelled, sampled = labels.astype(np.float64), beside.astype(np.float64)
    losses = StretchLosses(labelled, own, rates, base, published, sampled)
    return BlockSums(
        rows=len(labels),
        positives=int(np.count_nonzero(labels)),
        predicted=float(block.tiers[0].sum()),
        tiers=[float(losses.sum()) for losses in by_tier],
        models=[float(_losses(labels, predicted).sum()) for predicted in block.models],
        sampled_rows=int(np.count_nonzero(beside)),
        sampled_own=float(own[beside].sum()),
        sampled_base=float(base[beside].sum()),
        sampled_published=float(published[beside].sum()),
        sampled_rates=float(rates[beside].sum()),
        stretches=[]
        if block.stretches is None
        else stretch_sums(block.stretches, block.horizons, losses),
    )


def _losses(labels: NDArray[np.bool_], predicted: Numbers) -> Numbers:
    """Log loss of each row; bounded, since hazards are bounded away from 0 and 1."""
    chance = np.clip(np.where(labels, predicted, 1.0 - predicted), CHANCE_MIN, 1.0 - CHANCE_MIN)
    losses: Numbers = -np.log(chance)
    return losses


def forget_old(blocks: deque[BlockSums], window: int, positives: int) -> None:
    """Drop the oldest blocks beyond `window`, as long as the others have so many positives."""
    seen = sum(sums.positives for sums in blocks)
    while len(blocks) > window and seen - blocks[0].positives >= positives:
        seen -= blocks.popleft().positives


def target_evidence(
    blocks: Iterable[BlockSums], names: Sequence[str], champion: int = 0, since: int | None = None
) -> Evidence:
    """Evidence over these blocks. `names`: of the models, in the order of `BlockSums.models`;
    `champion`: number of the one that versions are made of; `since`: number of the last blocks that
    the version published last was there for; None: all."""
    kept = list(blocks)
    beside = kept if since is None else kept[max(len(kept) - since, 0) :]
    rows, positives = sum(sums.rows for sums in kept), sum(sums.positives for sums in kept)
    tiers = _summed([sums.tiers for sums in kept], len(EVIDENCE_TIERS))
    models = _summed([sums.models for sums in kept], len(names))
    base = math.fsum(sums.sampled_base for sums in beside)
    over_rates = {
        name: paired_loss((one.models[number] - one.tiers[_RATES], one.rows) for one in kept)
        for number, name in enumerate(names)
    }
    by_tier, by_model = zip(EVIDENCE_TIERS, tiers, strict=True), zip(names, models, strict=True)
    return Evidence(
        rows=rows,
        positives=positives,
        log_loss={
            **{tier: _ratio(loss, rows) for tier, loss in by_tier},
            **{f"contestant:{name}": _ratio(loss, rows) for name, loss in by_model},
        },
        normalised_entropy=_ratio(tiers[0], tiers[-1]),
        entropy_over_rates=_ratio(tiers[0], tiers[_RATES]),
        calibration=_ratio(math.fsum(sums.predicted for sums in kept), positives),
        published_entropy=_ratio(math.fsum(sums.sampled_published for sums in beside), base),
        own_entropy_beside=_ratio(math.fsum(sums.sampled_own for sums in beside), base),
        over_constant=paired_loss((one.models[champion] - one.tiers[-1], one.rows) for one in kept),
        over_rates=over_rates[names[champion]],
        models_over_rates=over_rates,
        over_published=paired_loss(
            (one.sampled_own - one.sampled_published, one.sampled_rows) for one in beside
        ),
        published_over_constant=paired_loss(
            (one.sampled_published - one.sampled_base, one.sampled_rows) for one in beside
        ),
        published_over_rates=paired_loss(
            (one.sampled_published - one.sampled_rates, one.sampled_rows)
            for one in beside
            if one.sampled_rates is not None
        ),
        horizons=horizon_evidence([one.stretches for one in kept]),
    )


def answered_where(
    shown: tuple[Evidence, Iterable[BlockSums], int],
    names: Sequence[str],
    immature: frozenset[str],
    *,
    margin: float,
    is_proven: bool,
) -> tuple[frozenset[str], Evidence]:
    """Horizons for which rates answer, and the evidence by which a version of the model is judged:
    on the stretches of the other horizons. `shown`: the evidence, the blocks behind it, and `since`
    as in `target_evidence`; `immature`: horizons that hardly any install has reached.

    A model that is not proven has to convince on all stretches together. Of three stretches that
    are looked at again and again one looks better by luck, on few outcomes.
    """
    evidence, blocks, since = shown
    found = answered_by_rates(evidence.horizons, names, immature, margin)
    asked = [number for number, name in enumerate(names) if name not in found]
    if not asked or not found or not is_proven:
        return found, evidence
    return found, _evidence_where(evidence, list(blocks), since, asked)


def _evidence_where(
    evidence: Evidence, blocks: Sequence[BlockSums], since: int, asked: Sequence[int]
) -> Evidence:
    kept = [[one.stretches[number] for number in asked] for one in blocks if one.stretches]
    beside = kept[max(len(kept) - since, 0) :]
    own = [[(one.own, one.rates, one.base, one.rows) for one in sums] for sums in kept]
    late = [
        [(one.beside_own, one.published, one.beside_rates, one.beside_base, one.beside_rows)
         for one in sums]
        for sums in beside
    ]  # fmt: skip
    own_sums = [tuple(map(sum, zip(*sums, strict=True))) for sums in own]
    late_sums = [tuple(map(sum, zip(*sums, strict=True))) for sums in late]
    return structs.replace(
        evidence,
        over_rates=paired_loss((one[0] - one[1], one[3]) for one in own_sums),
        over_constant=paired_loss((one[0] - one[2], one[3]) for one in own_sums),
        over_published=paired_loss((one[0] - one[1], one[4]) for one in late_sums),
        published_over_rates=paired_loss((one[1] - one[2], one[4]) for one in late_sums),
        published_over_constant=paired_loss((one[1] - one[3], one[4]) for one in late_sums),
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
            "normalised_entropy_beside_live": evidence.own_entropy_beside,
            **_bounds("constant", evidence.over_constant),
            **_bounds("rates", evidence.over_rates),
            **_bounds("live", evidence.over_published),
            **{f"log_loss:{name}": loss for name, loss in evidence.log_loss.items()},
        }
    )


def _bounds(name: str, loss: PairedLoss) -> dict[str, float]:
    return {f"loss_over_{name}_low": loss.low, f"loss_over_{name}_high": loss.high}


def _summed(columns: Sequence[Sequence[float]], size: int) -> list[float]:
    return [math.fsum(column[number] for column in columns) for number in range(size)]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
