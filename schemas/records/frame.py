"""Frames: the Kafka messages that carry records between stages."""

from __future__ import annotations

import zlib

from msgspec import Struct, field, msgpack

from schemas.records.example import ExampleRecord
from schemas.records.journey import JourneyRecord
from schemas.records.match import MatchRecord
from schemas.records.site import SiteRecord
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


frame_encoder = msgpack.Encoder()

match_frames = msgpack.Decoder(MatchFrame)

journey_frames = msgpack.Decoder(JourneyFrame)

site_frames = msgpack.Decoder(SiteFrame)

example_frames = msgpack.Decoder(ExampleFrame)
