"""Which outcome each topic carries."""

from __future__ import annotations

from schemas import topics
from schemas.outcomes.accounting import (
    DeadLetter,
    DroppedField,
    Freshness,
    LedgerRow,
    PrivacyReceipt,
    PrivacyRow,
    Quarantined,
)
from schemas.outcomes.activity import ActiveDayRow, MilestoneRow
from schemas.outcomes.attribution import Attribution, FraudVerdict, TouchOutcome
from schemas.outcomes.credit import Credit, ExposureRow
from schemas.outcomes.experiment import Assignment, OrderOutcome, UnitExposure
from schemas.outcomes.model import ModelContent, ModelVersion
from schemas.outcomes.money import Booking, Parked, RateRow, SpendRow
from schemas.outcomes.outcome import Outcome
from schemas.outcomes.postback import PostbackRow
from schemas.outcomes.prediction import FeatureRow, Prediction
from schemas.outcomes.quality import DriftAlarm, ModelQuality, ReliabilityRow

OUTCOME_OF_TOPIC: dict[str, type[Outcome]] = {
    topics.TOUCHES.name: TouchOutcome,
    topics.ATTRIBUTIONS.name: Attribution,
    topics.FRAUD_VERDICTS.name: FraudVerdict,
    topics.CREDITS.name: Credit,
    topics.EXPOSURES.name: ExposureRow,
    topics.REVENUE.name: Booking,
    topics.FEATURES.name: FeatureRow,
    topics.PREDICTIONS.name: Prediction,
    topics.ASSIGNMENTS.name: Assignment,
    topics.EXPERIMENT_EXPOSURES.name: UnitExposure,
    topics.EXPERIMENT_ORDERS.name: OrderOutcome,
    topics.ACTIVE_DAYS.name: ActiveDayRow,
    topics.MILESTONES.name: MilestoneRow,
    topics.SPEND.name: SpendRow,
    topics.RATES.name: RateRow,
    topics.POSTBACK_ROWS.name: PostbackRow,
    topics.PRIVACY_ROWS.name: PrivacyRow,
    topics.PRIVACY_RECEIPTS.name: PrivacyReceipt,
    topics.PARKED.name: Parked,
    topics.LEDGER.name: LedgerRow,
    topics.DEAD_LETTERS.name: DeadLetter,
    topics.QUARANTINED.name: Quarantined,
    topics.DROPPED_FIELDS.name: DroppedField,
    topics.FRESHNESS.name: Freshness,
    topics.MODEL_VERSIONS.name: ModelVersion,
    topics.MODEL_CONTENTS.name: ModelContent,
    topics.MODEL_QUALITY.name: ModelQuality,
    topics.RELIABILITY.name: ReliabilityRow,
    topics.DRIFT_ALARMS.name: DriftAlarm,
}
