"""Records that stages send each other on the internal topics, as compact MessagePack arrays.

One Kafka message is one frame: the upstream watermarks that hold once the frame is read, and the
records of one checkpoint for one partition. `ts` is the log time of the source record; `time` is
when it happened, as the producer reported it.
"""

from __future__ import annotations

from schemas.records.example import (
    CommandKind,
    Example,
    ExampleRecord,
    ExposurePath,
    ExposureTouch,
    Frozen,
    ModelCommand,
    Served,
    channel_of,
)
from schemas.records.frame import (
    FRAME_BYTES_MAX,
    ExampleFrame,
    JourneyFrame,
    MatchFrame,
    SiteFrame,
    example_frames,
    frame_encoder,
    journey_frames,
    match_frames,
    partition_of,
    site_frames,
)
from schemas.records.journey import (
    ActivitySeen,
    Candidates,
    Erased,
    Installed,
    JourneyRecord,
    ModelMarker,
    MoneyRouted,
    Prior,
    SiteVerdict,
    journey_key,
)
from schemas.records.match import (
    NAMED_BY_SESSION,
    NOT_ASKED,
    AccountLinked,
    AccountMoney,
    ErasureSeen,
    InstallSeen,
    MatchRecord,
    MoneySeen,
    PostbackSeen,
    TouchSeen,
    app_of,
)
from schemas.records.money import Money, MoneyKind
from schemas.records.site import SiteInstall, SiteRecord, SiteTouches, site_key
from schemas.records.touch import TRAITS, Flag, Signal, Source, Touch, TouchKind

__all__ = [
    "FRAME_BYTES_MAX",
    "NAMED_BY_SESSION",
    "NOT_ASKED",
    "TRAITS",
    "AccountLinked",
    "AccountMoney",
    "ActivitySeen",
    "Candidates",
    "CommandKind",
    "Erased",
    "ErasureSeen",
    "Example",
    "ExampleFrame",
    "ExampleRecord",
    "ExposurePath",
    "ExposureTouch",
    "Flag",
    "Frozen",
    "InstallSeen",
    "Installed",
    "JourneyFrame",
    "JourneyRecord",
    "MatchFrame",
    "MatchRecord",
    "ModelCommand",
    "ModelMarker",
    "Money",
    "MoneyKind",
    "MoneyRouted",
    "MoneySeen",
    "PostbackSeen",
    "Prior",
    "Served",
    "Signal",
    "SiteFrame",
    "SiteInstall",
    "SiteRecord",
    "SiteTouches",
    "SiteVerdict",
    "Source",
    "Touch",
    "TouchKind",
    "TouchSeen",
    "app_of",
    "channel_of",
    "example_frames",
    "frame_encoder",
    "journey_frames",
    "journey_key",
    "match_frames",
    "partition_of",
    "site_frames",
    "site_key",
]
