"""What Headwater says: one JSON message per outcome, one table per topic.

Every outcome has an id that is the same whenever the same thing is said again, so a reader that
sees it twice can tell. Times are milliseconds since 1970 in UTC, money is integer micros.
`source_*` is the place of the event that caused it.
"""

from __future__ import annotations

from schemas.outcomes.accounting import (
    DeadLetter,
    Disposition,
    DroppedField,
    Freshness,
    LedgerRow,
    PrivacyReceipt,
    PrivacyRow,
    Quarantined,
    QuarantinedKind,
    ReceiptResult,
)
from schemas.outcomes.activity import ActiveDayRow, MilestoneRow
from schemas.outcomes.attribution import (
    Attribution,
    Basis,
    DecisionReason,
    FraudVerdict,
    TouchOutcome,
)
from schemas.outcomes.catalogue import OUTCOME_OF_TOPIC
from schemas.outcomes.credit import Credit, CreditMethod, ExposureRow
from schemas.outcomes.experiment import Assignment, OrderOutcome, UnitExposure
from schemas.outcomes.model import ModelContent, ModelVersion
from schemas.outcomes.money import Booking, Parked, RateRow, SpendRow
from schemas.outcomes.outcome import SHARED_DESCRIPTIONS, Outcome, is_time_field, outcome_encoder
from schemas.outcomes.postback import PostbackRow
from schemas.outcomes.prediction import FeatureRow, Prediction
from schemas.outcomes.quality import DriftAlarm, ModelQuality, ReliabilityRow

__all__ = [
    "OUTCOME_OF_TOPIC",
    "SHARED_DESCRIPTIONS",
    "ActiveDayRow",
    "Assignment",
    "Attribution",
    "Basis",
    "Booking",
    "Credit",
    "CreditMethod",
    "DeadLetter",
    "DecisionReason",
    "Disposition",
    "DriftAlarm",
    "DroppedField",
    "ExposureRow",
    "FeatureRow",
    "FraudVerdict",
    "Freshness",
    "LedgerRow",
    "MilestoneRow",
    "ModelContent",
    "ModelQuality",
    "ModelVersion",
    "OrderOutcome",
    "Outcome",
    "Parked",
    "PostbackRow",
    "Prediction",
    "PrivacyReceipt",
    "PrivacyRow",
    "Quarantined",
    "QuarantinedKind",
    "RateRow",
    "ReceiptResult",
    "ReliabilityRow",
    "SpendRow",
    "TouchOutcome",
    "UnitExposure",
    "is_time_field",
    "outcome_encoder",
]
