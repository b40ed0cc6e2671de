"""Frames: the Kafka messages that carry records between stages."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from msgspec import Struct, field, msgpack

from schemas.records.example import ExampleRecord
from schemas.records.experiment import ExposureSeen, OrderGiven
from schemas.records.journey import ChoiceMade, JourneyRecord
from schemas.records.match import (
    AccessSeen,
    ChoiceSeen,
    InstallErased,
    InstallSeen,
    MatchRecord,
)
from schemas.records.site import SiteRecord
from schemas.records.stored_format import StoredFormat, marker_of
from schemas.records.touch import Signal
from schemas.time import LogMs

FRAME_BYTES_MAX = 400_000
"""A frame is split here, well below the broker's 1 MiB message limit."""


def partition_of(key: str, partitions: int) -> int:
    """The partition of a match key or install id; the same in every process and version."""
    return zlib.crc32(key.encode()) % partitions


class MatchFrame(Struct, frozen=True, array_like=True):
    watermarks: dict[str, LogMs] = field(default_factory=dict)
    records: list[MatchRecord] = field(default_factory=list)


class JourneyFrame(Struct, frozen=True, array_like=True):
    watermarks: dict[str, LogMs] = field(default_factory=dict)
    records: list[JourneyRecord] = field(default_factory=list)


class SiteFrame(Struct, frozen=True, array_like=True):
    watermarks: dict[str, LogMs] = field(default_factory=dict)
    records: list[SiteRecord] = field(default_factory=list)


class ExampleFrame(Struct, frozen=True, array_like=True):
    watermarks: dict[str, LogMs] = field(default_factory=dict)  # decide nothing: who follows, waits
    records: list[ExampleRecord] = field(default_factory=list)


match_frames: StoredFormat[MatchFrame] = StoredFormat("a frame of match", MatchFrame, version=2)

journey_frames: StoredFormat[JourneyFrame] = StoredFormat(
    "a frame of journeys", JourneyFrame, version=2
)

site_frames: StoredFormat[SiteFrame] = StoredFormat("a frame of sites", SiteFrame)

example_frames: StoredFormat[ExampleFrame] = StoredFormat("a frame of examples", ExampleFrame)

AnyFrame = MatchFrame | JourneyFrame | SiteFrame | ExampleFrame

LATER_KINDS = frozenset(
    {AccessSeen, ChoiceMade, ChoiceSeen, ExposureSeen, InstallErased, OrderGiven}
)
"""Kinds of records that builds of the first version of frames cannot read."""

LATER_SIGNALS = frozenset({Signal.WITHHELD})
"""Signals of an install's lookups that those builds cannot read."""


def first_version_of(records: Sequence[object]) -> int:
    """The first version of a frame that can hold these records.

    A frame without anything new says 1, so that builds before and after can be mixed until the
    first new record comes; an older build then ends with one line, and has misread nothing.
    """
    kinds = set(map(type, records))
    if not LATER_KINDS.isdisjoint(kinds):
        return 2
    if InstallSeen in kinds and any(
        type(one) is InstallSeen and one.signal in LATER_SIGNALS for one in records
    ):
        return 2
    return 1


class FrameEncoder:
    """Writes frames of every kind, each in the first version that can hold what is in it."""

    def __init__(self) -> None:
        self._encode = msgpack.Encoder().encode

    def encode(self, frame: AnyFrame) -> bytes:
        return marker_of(first_version_of(frame.records)) + self._encode(frame)


frame_encoder = FrameEncoder()
