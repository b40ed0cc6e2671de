"""What a new version of the credit model must show before it may share credit.

Credit has no label: nobody observes what really moved a person. What can be observed is whether the
model predicts installs. So it must do so better than one rate per app, expect about as many
installs as there are, and have installs enough to be judged by.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from online_models.credit.hazard import CreditHazard
from online_models.learning.verdicts import Rejected


class CreditGateRules(Struct, frozen=True):
    """Losses in nats per install; calibration is expected over actual installs."""

    loss_over_base: float = 0.02
    loss_over_champion: float = 0.05
    suspend_over_base: float = 0.25
    calibration_min: float = 0.5
    calibration_max: float = 2.0
    installs_min: int = 50
    """Installs among the trials below which no version passes."""


class CreditTrial(NamedTuple):
    """One path, as predicted before any model learned from it. Losses in nats."""

    is_installed: bool
    expected: float  # installs, by the learner
    learner: float
    base: float
    champion: float  # NaN: no version was published


class CreditEvidence(Struct, frozen=True):
    """Over the last paths. Gains in nats per install; NaN where there is nothing to compare."""

    paths: int
    installs: int
    calibration: float
    gain_over_base: float
    gain_over_champion: float
    champion_gain_over_base: float


def credit_evidence(trials: Iterable[CreditTrial]) -> CreditEvidence:
    """Evidence over these trials."""
    rows = list(trials)
    beside = [row for row in rows if not math.isnan(row.champion)]
    installs = sum(row.is_installed for row in rows)
    installs_beside = sum(row.is_installed for row in beside)
    return CreditEvidence(
        paths=len(rows),
        installs=installs,
        calibration=_ratio(math.fsum(row.expected for row in rows), installs),
        gain_over_base=_ratio(math.fsum(row.base - row.learner for row in rows), installs),
        gain_over_champion=_ratio(
            math.fsum(row.champion - row.learner for row in beside), installs_beside
        ),
        champion_gain_over_base=_ratio(
            math.fsum(row.base - row.champion for row in beside), installs_beside
        ),
    )


def gate_credit(
    candidate: CreditHazard, evidence: CreditEvidence, rules: CreditGateRules
) -> Rejected | None:
    """None: the candidate may be published."""
    if not candidate.is_finite():
        return Rejected("effects are not finite")
    if evidence.installs < rules.installs_min:
        return Rejected(
            f"{evidence.installs} installs to judge by, fewer than {rules.installs_min}"
        )
    if not rules.calibration_min <= evidence.calibration <= rules.calibration_max:
        return Rejected(
            f"expected {evidence.calibration:.2f} times the installs that came, outside"
            f" {rules.calibration_min} to {rules.calibration_max}"
        )
    if evidence.gain_over_base < -rules.loss_over_base:
        return Rejected(
            f"foretells installs worse than one rate for all, by {-evidence.gain_over_base:.3f}"
        )
    if evidence.gain_over_champion < -rules.loss_over_champion:
        return Rejected(
            f"foretells installs worse than the live version, by {-evidence.gain_over_champion:.3f}"
        )
    return None


def credit_deserves_suspension(evidence: CreditEvidence, rules: CreditGateRules) -> bool:
    """Whether the live version is clearly worse than one rate per app."""
    return evidence.champion_gain_over_base < -rules.suspend_over_base


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
