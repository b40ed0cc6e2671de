"""Frames: the Kafka messages that carry records between stages."""

from __future__ import annotations

import zlib

from msgspec import Struct, field, msgpack

from schemas.records.example import ExampleRecord
from schemas.records.journey import JourneyRecord
from schemas.records.match import MatchRecord
from schemas.records.site import SiteRecord
from schemas.records.stored_format import StoredFormat
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
    watermarks: dict[str, LogMs] = field(default_factory=dict)  # none: examples bring their times
    records: list[ExampleRecord] = field(default_factory=list)


match_frames: StoredFormat[MatchFrame] = StoredFormat("a frame of match", MatchFrame)

journey_frames: StoredFormat[JourneyFrame] = StoredFormat("a frame of journeys", JourneyFrame)

site_frames: StoredFormat[SiteFrame] = StoredFormat("a frame of sites", SiteFrame)

example_frames: StoredFormat[ExampleFrame] = StoredFormat("a frame of examples", ExampleFrame)

AnyFrame = MatchFrame | JourneyFrame | SiteFrame | ExampleFrame


class FrameEncoder:
    """Writes frames of every kind, each in the version of its format."""

    def __init__(self) -> None:
        self._encode = msgpack.Encoder().encode
        self._markers: dict[type[AnyFrame], bytes] = {
            MatchFrame: match_frames.marker,
            JourneyFrame: journey_frames.marker,
            SiteFrame: site_frames.marker,
            ExampleFrame: example_frames.marker,
        }

    def encode(self, frame: AnyFrame) -> bytes:
        return self._markers[type(frame)] + self._encode(frame)


frame_encoder = FrameEncoder()
