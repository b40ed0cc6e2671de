"""What a schema cannot say about messages: ids, repeats, writers, readers."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.currencies import GRACE
from schemas.decode import AHEAD_MS_MAX, MESSAGE_BYTES_MAX
from schemas.json_text import NESTING_MAX
from schemas.parts import MICROS_MAX
from schemas.time import HOUR_MS


@dataclass(frozen=True, slots=True)
class Semantics:
    """What a schema cannot say about the messages of one type."""

    id: str  # fields that together identify what the message reports
    repeats: str
    writers: str = "headwater core"
    readers: str = "headwater storing, product backends"


EVENT_REPEATS = (
    "The first copy of an event_id counts, within a bounded window; later copies are counted as "
    "duplicates and change nothing. A producer may therefore send again after any failure."
)

MONEY_REPEATS = (
    "Money counts once by this id, whatever the event_id, for 400 days after the last event of its "
    "transaction, and for 30 days after an ad impression. Send it again freely until then."
)

SAME_AGAIN = (
    "Written in one transaction with the input position: a read-committed reader sees it once. "
    "A replay writes it again with the same id, so keep the first copy or overwrite by id."
)

_PRODUCER = {"writers": "event producers", "readers": "headwater core"}

_EVENT = Semantics("event_id", EVENT_REPEATS, **_PRODUCER)

SEMANTICS: dict[str, Semantics] = {
    "touchpoint": _EVENT,
    "install": _EVENT,
    "session": _EVENT,
    "in_app_event": _EVENT,
    "experiment_exposure": Semantics(
        "event_id",
        "The first exposure of an install in a version counts; later ones change nothing.",
        **_PRODUCER,
    ),
    "experiment_order": Semantics(
        "order_id",
        "The first copy counts. An order for what is so already is recorded as repeated.",
        writers="headwater experiment",
        readers="headwater core",
    ),
    "purchase": Semantics("transaction_id", MONEY_REPEATS, **_PRODUCER),
    "subscription": Semantics("transaction_id", MONEY_REPEATS, **_PRODUCER),
    "refund": Semantics("refund_id", MONEY_REPEATS, **_PRODUCER),
    "ad_revenue": Semantics("impression_id", MONEY_REPEATS, **_PRODUCER),
    "cost": Semantics(
        "dimensions, revision",
        "A higher revision of the same date and dimensions replaces; a lower one changes nothing.",
        **_PRODUCER,
    ),
    "exchange_rate": Semantics(
        "date, base_currency, quote_currency, revision",
        "A higher revision of the same day and pair replaces; a lower one changes nothing.",
        **_PRODUCER,
    ),
    "skan_postback": _EVENT,
    "aak_postback": _EVENT,
    "privacy_request": Semantics(
        "subject_request_id", "A request sent twice is one request.", **_PRODUCER
    ),
    "touches": Semantics("event_id", SAME_AGAIN),
    "attributions": Semantics(
        "attribution_id",
        f"{SAME_AGAIN} The highest version of a conversion is its current decision.",
    ),
    "fraud-verdicts": Semantics("verdict_id", SAME_AGAIN),
    "credits": Semantics(
        "credit_id", f"{SAME_AGAIN} The highest revision of a conversion is the current one."
    ),
    "exposures": Semantics("path_id", SAME_AGAIN),
    "rates": Semantics(
        "rate_id, revision", f"{SAME_AGAIN} The highest revision of a rate_id is the current one."
    ),
    "revenue": Semantics(
        "booking_id", f"{SAME_AGAIN} Bookings are signed: add them up, never overwrite a sum."
    ),
    "features": Semantics("feature_id", SAME_AGAIN),
    "predictions": Semantics("prediction_id", SAME_AGAIN),
    "assignments": Semantics(
        "assignment_id",
        f"{SAME_AGAIN} An install has one assignment for each version of an experiment.",
    ),
    "experiment-exposures": Semantics(
        "exposure_id", f"{SAME_AGAIN} Of several rows of an id the one logged first counts."
    ),
    "experiment-orders": Semantics("order_id", SAME_AGAIN),
    "active-days": Semantics(
        "active_day_id", f"{SAME_AGAIN} A day of life that touches two dates may have two rows."
    ),
    "milestones": Semantics(
        "milestone_id", f"{SAME_AGAIN} Of several rows of an install and name the earliest counts."
    ),
    "spend": Semantics(
        "spend_id, revision", f"{SAME_AGAIN} The highest revision of a spend_id is the current one."
    ),
    "postback-rows": Semantics(
        "postback_id",
        "Devices send a postback several times. Every copy is written; the one with the least "
        "(event_time, event_id) counts. Only signature_state valid counts.",
    ),
    "privacy-rows": Semantics("subject_request_id", SAME_AGAIN),
    "privacy-receipts": Semantics(
        "receipt_id", SAME_AGAIN, readers="headwater storing, headwater privacy"
    ),
    "parked": Semantics("parked_id", f"{SAME_AGAIN} Each state of a subject has its own id."),
    "ledger": Semantics(
        "stage, disposition, move, source_topic, source_partition, offsets",
        f"{SAME_AGAIN} An offset that was parked may be named again when it is settled, or when "
        "a relink moves it: the highest move counts.",
        readers="headwater storing",
    ),
    "dead-letters": Semantics(
        "source_topic, source_partition, source_offset",
        SAME_AGAIN,
        readers="headwater storing, headwater dead-letters, whoever repairs the producer",
    ),
    "quarantined": Semantics(
        "quarantine_id",
        SAME_AGAIN,
        readers="headwater storing, headwater dead-letters, whoever mends Headwater",
    ),
    "dropped-fields": Semantics(
        "dropped_id", SAME_AGAIN, readers="headwater storing, whoever repairs the producer"
    ),
    "freshness": Semantics(
        "stage, partition, stage_time", f"{SAME_AGAIN} Only the latest stage_time matters."
    ),
    "model-versions": Semantics(
        "change_id", f"{SAME_AGAIN} The highest number shows how the model stands now."
    ),
    "model-contents": Semantics("content_id", SAME_AGAIN),
    "model-quality": Semantics("quality_id", SAME_AGAIN),
    "reliability": Semantics("reliability_id", SAME_AGAIN),
    "drift-alarms": Semantics("alarm_id", SAME_AGAIN),
}

CLOCK_TICKS = (
    'A message whose key is "\\u0000clock" and whose value is empty is a clock tick: it only says '
    "that time has come this far in its partition. Headwater writes ticks into idle partitions. "
    "Every other reader ignores them; producers never send that key."
)

REFUSALS = (
    f"UTF-8 JSON objects of at most {MESSAGE_BYTES_MAX} bytes, nested at most {NESTING_MAX} deep, "
    "no key twice in an object, no U+0000 in any string, currencies from ISO 4217 (a "
    f"withdrawn one until {GRACE.days} days after its last day), amounts not negative except of "
    f"refunds and at most {MICROS_MAX} millionths, event_time not before the configured earliest "
    f"time and at most {AHEAD_MS_MAX // HOUR_MS} hours ahead of the log, except of an SDK, whose "
    "wrong clock is corrected. Anything else has "
    "no effect and is written to dead-letters with its original bytes and a reason. "
    "Unknown fields are ignored."
)
