"""What became of every source record, and how far each stage has read."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class PrivacyRow(Outcome, frozen=True, kw_only=True, gc=False):
    subject_request_id: str
    app_id: str
    request_type: str
    identity_types: list[str]
    identity_keys: list[str]  # pseudonyms
    submitted_time: int
    source_topic: str
    source_partition: int
    source_offset: int


Disposition = Literal["decided", "duplicate", "parked", "expired", "dead_lettered"]


class LedgerRow(Outcome, frozen=True, kw_only=True, gc=False):
    """What one checkpoint made of source offsets. An offset parked before may be settled later,
    and money that a relink moves is settled again: what the highest `move` says counts."""

    stage: str
    disposition: Disposition
    move: int = 0  # how many relinks had moved the money by then
    source_topic: str
    source_partition: int
    offsets: list[int]


class DeadLetter(Outcome, frozen=True, kw_only=True, gc=False):
    """A message set aside, whole. `payload` is base64 of its exact bytes."""

    reason: str
    detail: str
    payload: str
    key: str  # base64; "" when there was none
    received_at: int
    source_topic: str
    source_partition: int
    source_offset: int


class Freshness(Outcome, frozen=True, kw_only=True, gc=False):
    """How far the log time of a stage partition has come."""

    stage: str
    partition: int
    stage_time: int
