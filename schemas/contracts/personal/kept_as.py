"""What names a person: the fields of events, and the columns of tables.

A test compares the columns with those that an erasure replaces, so that neither list can grow
without the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class KeptAs(Enum):
    """In which form a personal value stays after intake has read it."""

    PSEUDONYM = "keyed pseudonym"
    AS_SENT = "as sent"
    COARSE = "as sent; shared by many"
    PSEUDONYM_IF_LIKENESS = "keyed pseudonym, where probabilistic matching is on; else nothing"
    DECISION = "only what it decides"
    NOTHING = "nothing"


PERSONAL_FIELDS: Mapping[tuple[str, str], KeptAs] = {
    ("DeviceEvent", "gaid"): KeptAs.PSEUDONYM,
    ("DeviceEvent", "idfa"): KeptAs.PSEUDONYM,
    ("DeviceEvent", "idfv"): KeptAs.PSEUDONYM,
    ("DeviceEvent", "oaid"): KeptAs.PSEUDONYM,
    ("DeviceEvent", "customer_user_id"): KeptAs.PSEUDONYM,
    ("DeviceEvent", "ip"): KeptAs.PSEUDONYM_IF_LIKENESS,
    ("DeviceEvent", "user_agent"): KeptAs.PSEUDONYM_IF_LIKENESS,
    ("DeviceEvent", "att_status"): KeptAs.DECISION,
    ("DeviceEvent", "limit_ad_tracking"): KeptAs.DECISION,
    ("DeviceEvent", "consent"): KeptAs.DECISION,
    ("DeviceEvent", "device_model"): KeptAs.COARSE,
    ("DeviceEvent", "os_version"): KeptAs.COARSE,
    ("DeviceEvent", "country_code"): KeptAs.COARSE,
    ("Event", "event_id"): KeptAs.AS_SENT,
    ("Touchpoint", "touch_id"): KeptAs.AS_SENT,
    ("Install", "install_id"): KeptAs.AS_SENT,
    ("Install", "click_id"): KeptAs.AS_SENT,
    ("Install", "install_referrer"): KeptAs.DECISION,
    ("Install", "adservices_token"): KeptAs.NOTHING,
    ("Session", "install_id"): KeptAs.AS_SENT,
    ("Session", "session_id"): KeptAs.NOTHING,
    ("Session", "touch_id"): KeptAs.AS_SENT,
    ("InAppEvent", "install_id"): KeptAs.AS_SENT,
    ("ExperimentExposure", "install_id"): KeptAs.AS_SENT,
    ("PaymentEvent", "install_id"): KeptAs.AS_SENT,
    ("StoreTransaction", "transaction_id"): KeptAs.AS_SENT,
    ("StoreTransaction", "original_transaction_id"): KeptAs.AS_SENT,
    ("Refund", "refund_id"): KeptAs.AS_SENT,
    ("Refund", "transaction_id"): KeptAs.AS_SENT,
    ("AdRevenue", "impression_id"): KeptAs.AS_SENT,
    ("Identity", "identity_value"): KeptAs.PSEUDONYM,
}
"""Fields of events that name a person, or say something about one that few others share."""

PERSONAL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "touches": ("device_key", "device_model", "event_id", "touch_id"),
    "attributions": (
        *("attribution_id", "candidates", "contributors", "conversion_id", "device_model"),
        *("event_id", "install_id", "prior_install_id", "rejected_touch_id", "touch_id"),
    ),
    "credits": ("conversion_id", "credit_id", "install_id"),
    "fraud_verdicts": ("install_id", "touch_id", "verdict_id"),
    "active_days": ("active_day_id", "conversion_id", "install_id"),
    "milestones": ("conversion_id", "event_id", "install_id", "milestone_id"),
    "features": ("feature_id", "install_id"),
    "predictions": ("install_id", "prediction_id"),
    "assignments": ("assignment_id", "install_id"),
    "experiment_exposures": ("event_id", "exposure_id", "install_id"),
    "revenue": (
        *("booking_id", "event_id", "install_id", "money_id", "original_transaction_id"),
        "transaction_id",
    ),
    "parked": ("event_id", "parked_id", "subject_id"),
    "quarantined": ("detail", "install_id", "message_key", "payload", "state_key"),
    "dead_letters": ("detail", "key", "payload"),
    "ledger": ("repeat_ids", "repeats_of"),
    "privacy_rows": ("identity_keys",),
    "privacy_receipts": ("receipt_id", "subject_key"),
}
"""By table, the columns that name a person, and that an erasure replaces or empties. Their other
columns are about the person until then, and about nobody after it."""
