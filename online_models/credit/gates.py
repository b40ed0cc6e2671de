"""What a new version of the credit model must show before it may share credit.

Credit has no label: nobody ever sees what really moved a person. What can be seen is whether the
model foretells installs. So it must do so better than one rate for all, expect about as many
installs as there are, and leave neither nothing nor everything to organic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from online_models.credit.hazard import CreditHazard
from online_models.learning.verdicts import Rejected


class CreditGateRules(Struct, frozen=True):
    """Losses in nats per install; calibration is installs expected over installs seen."""

    loss_over_base: float = 0.02
    loss_over_champion: float = 0.05
    suspend_over_base: float = 0.25
    calibration_min: float = 0.5
    calibration_max: float = 2.0
    installs_min: int = 50
    """Installs among the trials, without which there is nothing to judge by."""


class CreditTrial(NamedTuple):
    """One path, as everyone foretold it before anyone learned from it. Losses in nats."""

    is_installed: bool
    expected: float  # installs, by the learner
    learner: float
    base: float
    champion: float  # NaN: there was none


class CreditEvidence(Struct, frozen=True):
    """Over the last paths. `gain` is in nats per install; NaN where nothing can be compared."""

    paths: int
    installs: int
    calibration: float
    gain_over_base: float
    gain_over_champion: float
    champion_gain_over_base: float


def credit_evidence(trials: Iterable[CreditTrial]) -> CreditEvidence:
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
    """The live version is clearly worse than one rate for all."""
    return evidence.champion_gain_over_base < -rules.suspend_over_base


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
