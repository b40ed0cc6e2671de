"""Why a message is set aside: a fixed reason, and what to tell the producer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DETAIL_CHARS_MAX = 200
"""Longest detail of a dead letter; it may quote what the producer wrote.

Details are stored, and digests of stores compare them: changing one changes stored rows."""


class Defect(StrEnum):
    """Why a message is set aside. The list is fixed, so that it can be a metric label."""

    TOO_LARGE = "too_large"
    EMPTY = "empty"
    INVALID_UTF8 = "invalid_utf8"
    NULL_BYTE = "null_byte"
    MALFORMED_JSON = "malformed_json"
    DUPLICATE_KEY = "duplicate_key"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_VERSION = "unknown_version"
    WRONG_TOPIC = "wrong_topic"
    MISSING_ID = "missing_id"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_VALUE = "invalid_value"
    NEGATIVE_AMOUNT = "negative_amount"
    POSITIVE_REFUND = "positive_refund"
    NON_INTEGER_AMOUNT = "non_integer_amount"
    AMOUNT_TOO_LARGE = "amount_too_large"
    UNKNOWN_CURRENCY = "unknown_currency"
    TIME_TOO_EARLY = "time_too_early"
    TIME_TOO_LATE = "time_too_late"


@dataclass(frozen=True, slots=True)
class Unreadable:
    reason: Defect
    detail: str
