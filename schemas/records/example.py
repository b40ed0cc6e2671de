"""Records on `examples`, in the order of learning."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from schemas.records.touch import Source
from schemas.time import EventMs, LogMs, WallMs


class Frozen(Struct, frozen=True, array_like=True, gc=False):
    """What was known about an install at a landmark: hashed features, and money until then."""

    landmark: int
    slots: bytes  # little-endian uint32
    values: bytes  # little-endian float32, one per slot
    spent_micros: int = 0  # in the reporting currency
    is_addition: bool = False  # to the features of the install, the first snapshot


class Served(Struct, frozen=True, array_like=True, gc=False):
    """A prediction at a landmark, and the actual outcome by the horizon."""

    landmark: int
    horizon: str
    predicted: float
    tier: str
    model_version: str
    outcome: float


OUTCOMES_ALONE = -2
"""Bin of an example with nothing to learn: it says what came of predictions, and no more. Any other
bin below 0 is a mistake."""


class Example(Struct, frozen=True, array_like=True, gc=False, tag=1):
    """The label of one bin in the life of an install, with the features at earlier landmarks."""

    target: str
    install_id: str
    app_id: str
    platform: str
    country_code: str
    media_source: str
    bin: int  # or OUTCOMES_ALONE
    label: bool  # whether the target happened in this bin; for value: whether there was money
    matured_at: int
    snapshots: list[Frozen]  # at risk at the beginning of the bin
    served: list[Served] = []  # of horizons that are over when the bin is released
    amount_micros: int = 0  # for value: money in this step, in the reporting currency
    spent_micros: int = 0  # for value: money before this step
    amounts_micros: list[int] = []  # for value: in the bucket, after each landmark


class CommandKind(IntEnum):
    PROMOTE = 0
    ROLL_BACK = 1
    SUSPEND = 2
    RESUME = 3
    QUARANTINE = 4


class ModelCommand(Struct, frozen=True, array_like=True, gc=False, tag=3):
    """A command of an operator about a model; executed at its position in the log."""

    command_id: str
    kind: CommandKind
    model: str
    version: str = ""
    first_offset: int = 0  # of the examples in quarantine
    last_offset: int = 0
    ordered_at: WallMs = WallMs(0)
    reason: str = ""


class ExposureTouch(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint, as far as multi-touch attribution needs it."""

    channel: str  # see `channel_of`
    time: EventMs
    is_click: bool
    flags: int = 0  # bits of Flag


class ExposurePath(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """The touchpoints of one sampled device in a period, whether it installed or not."""

    path_id: str
    app_id: str
    begin_time: EventMs
    end_time: EventMs  # of the period, or of the install that ended it
    is_installed: bool
    touches: list[ExposureTouch]  # in order of time, also those before the period
    prior_installs: int
    weight: float  # how many devices it stands for


class MatchPair(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint beside an install, as probabilistic matching compares the two: no traits of a
    person, only how far they agree."""

    levels: list[str]  # one of each of PAIR_FEATURES
    is_match: bool  # whether the ids of the install name it


PAIR_FEATURES = ("place", "device", "delay", "source")
"""What a pair is compared by, in the order of its levels. The last one is the delay again, with the
media source: a rule file may know the delays of single sources."""


class MatchExample(Struct, frozen=True, array_like=True, gc=False, tag=4):
    """An install whose touchpoint is known by ids, and every touchpoint that it would be compared
    with if it had none. It names no person, so nothing of it has to be erased."""

    app_id: str
    source: Source  # of the install
    ts: LogMs  # of the install
    pairs: list[MatchPair]  # at most one of them is the match


def channel_of(media_source: str, channel: str) -> str:
    """The channel that multi-touch attribution credits: media_source or media_source/channel."""
    return f"{media_source}/{channel}" if channel else media_source


ExampleRecord = Example | ExposurePath | ModelCommand | MatchExample
