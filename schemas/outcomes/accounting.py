"""What became of every source record, and how far each stage has read."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from schemas.outcomes.outcome import Outcome
from schemas.time import EventMs, LogMs


class PrivacyRow(Outcome, frozen=True, kw_only=True, gc=False):
    """An accepted request of a data subject: erasure, access, opt-out or opt-in."""

    subject_request_id: str
    """Id of the request."""
    app_id: str
    """App that the request is about."""
    request_type: str
    """erasure, access, opt_out or opt_in."""
    identity_types: list[str]
    """Types of the identities."""
    identity_keys: list[str]
    """Pseudonyms of the identities, in the same order."""
    submitted_time: EventMs
    """When the person made the request."""
    source_topic: str
    source_partition: int
    source_offset: int


ReceiptResult = Literal[
    "looked_up",
    "cannot_be_matched",
    "found",
    "nothing_found",
    "already_erased",
    "linked",
    "shared",
    "noted",
    "shared_identity",
    "refused",
]


class PrivacyReceipt(Outcome, frozen=True, kw_only=True, gc=False):
    """What one place found of the person who made a request, and what follows from it.

    A request has a row of intake for each of its identities, one of matching for each match key,
    and one of journeys for each install; one that cannot be read has a single row, `refused`. A
    request for access has one for each identity and key, and for each install and booking that is
    linked with them.
    """

    receipt_id: str
    """Id of the row: the request, the place and its subject; a repeat keeps it."""
    subject_request_id: str
    """Id of the request."""
    app_id: str
    """App that the request is about."""
    environment: str
    """production or sandbox."""
    place: Literal["intake", "matching", "journeys", "access"]
    """Stage that looked: intake, matching or journeys; access: answers a request for access."""
    subject_type: str
    """Type of the subject: that of the identity, device, account, install_id or booking."""
    subject_key: str
    """What was looked up: a pseudonym, a match key or an install_id; after the rows of the person
    are made anonymous an anonymous id."""
    result: ReceiptResult
    """looked_up: matching or journeys answer; cannot_be_matched; found; nothing_found;
    already_erased, by an earlier request; noted, of an opt-out; linked, with a key of who asks for
    access; shared_identity: so many installs have it that the request concerns none of them; shared
    the same of access; or refused: the request cannot be read."""
    detail: str
    """What the result means, and what can be done."""
    found: dict[str, float]
    """How much of each kind was found."""
    requested_at: LogMs
    """Log time of the request."""
    request_type: str = "erasure"
    """erasure, access, opt_out or opt_in."""


Disposition = Literal["decided", "duplicate", "parked", "expired", "dead_lettered", "quarantined"]


class LedgerRow(Outcome, frozen=True, kw_only=True, gc=False):
    """What one checkpoint did with source offsets.

    An offset that was parked may be settled later. Money that a relink moves is settled again;
    the row with the highest `move` counts. An offset that was ever quarantined stays so: part of
    what it should have led to is missing.
    """

    stage: str
    """Stage that settled the offsets."""
    disposition: Disposition
    """decided, duplicate, parked, expired, dead_lettered or quarantined."""
    move: int = 0
    """How many relinks had moved the money by then; the highest counts."""
    source_topic: str
    """Topic of the events."""
    source_partition: int
    """Partition of the events."""
    offsets: list[int]
    """Offsets of the events."""
    repeat_ids: list[str] = field(default_factory=list)
    """Event ids of duplicates among the offsets, as many as a row may name."""
    repeats_of: list[str] = field(default_factory=list)
    """What each of them repeats, such as a transaction or an install; empty: an event with its own
    id."""
    repeat_offsets: list[int] = field(default_factory=list)
    """Offset of each of them."""
    flood_app: str = ""
    """App whose flood of unreadable messages these are: they are counted here, and their bytes are
    in the source topic only; empty: no flood."""
    flood_reason: str = ""
    """Reason code of these messages."""


class DeadLetter(Outcome, frozen=True, kw_only=True, gc=False):
    """A message that was set aside, with its exact bytes."""

    reason: str
    """Reason code, from a fixed list."""
    detail: str
    """What is wrong with the message."""
    payload: str
    """Exact bytes of the value, in base64."""
    key: str
    """Bytes of the key, in base64; empty when there was none."""
    received_at: LogMs
    """Log time at which it reached Kafka."""
    source_topic: str
    source_partition: int
    source_offset: int


QuarantinedKind = Literal["event", "record", "timer", "frame", "row"]


class Quarantined(Outcome, frozen=True, kw_only=True, gc=False):
    """What made Headwater raise and was set aside, with its exact bytes. All else went on."""

    quarantine_id: str
    """Id of this row; a repeat keeps it."""
    stage: str
    """Stage that raised, or storing."""
    kind: QuarantinedKind
    """event: a message of a producer; record: one between stages; timer: a deadline of a key;
    frame: a whole message between stages, unreadable; row: an outcome that ClickHouse refused."""
    error: str
    """Type of the exception."""
    detail: str
    """Where it was raised, innermost last, and its text without values."""
    state_key: str
    """Key whose state lacks the effects."""
    app_id: str
    """App of the key; empty when unknown."""
    install_id: str
    """Install of the key; empty when there is none."""
    log_topic: str
    """Topic that was read."""
    log_topic_partition: int
    """Partition of that topic."""
    log_topic_offset: int
    """Offset that was being decided."""
    payload: str
    """Exact bytes, in base64: of the message, the record or the state."""
    message_key: str
    """Bytes of the key of the message, in base64; empty when there was none."""
    received_at: LogMs
    """Log time of what was set aside."""
    source_topic: str
    source_partition: int
    source_offset: int


class Freshness(Outcome, frozen=True, kw_only=True, gc=False):
    """How far the log time of a partition of a stage has advanced."""

    stage: str
    """Name of the stage."""
    partition: int
    """Partition of the stage."""
    stage_time: LogMs
    """Log time that the stage had reached."""


class DroppedField(Outcome, frozen=True, kw_only=True, gc=False):
    """A field that an accepted event was read without. A sample: see `sample_weight`."""

    dropped_id: str
    """Id of the finding: topic:partition:offset:field of the event; a repeat keeps it."""
    app_id: str
    """App that the event is about."""
    event_type: str
    """Type of the event."""
    field: str
    """Name of the field, at most 64 characters of it."""
    problem: Literal["unknown", "unreadable"]
    """unknown: the contract has no such field; unreadable: a placeholder, or no valid value."""
    sample_weight: int
    """How many events this one stands for: 1 in the first thousand of a partition, later 64."""
    received_at: LogMs
    """Log time at which the event reached Kafka."""
    source_topic: str
    source_partition: int
    source_offset: int
