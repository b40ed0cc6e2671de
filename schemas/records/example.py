"""Records on `examples`, in the order of learning."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from schemas.time import EventMs


class Frozen(Struct, frozen=True, array_like=True, gc=False):
    """What was known of an install at a landmark: hashed features, and money until then."""

    landmark: int
    slots: bytes  # little-endian uint32
    values: bytes  # little-endian float32, one per slot
    spent_micros: int = 0  # in the reporting currency
    is_addition: bool = False  # to the features of the install, the first snapshot


class Served(Struct, frozen=True, array_like=True, gc=False):
    """What was predicted at a landmark, and what came of it by the horizon."""

    landmark: int
    horizon: str
    predicted: float
    tier: str
    model_version: str
    outcome: float


class Example(Struct, frozen=True, array_like=True, gc=False, tag=1):
    """What one bin of its life said of an install, for each landmark before it."""

    target: str
    install_id: str
    app_id: str
    platform: str
    country_code: str
    media_source: str
    bin: int
    label: bool  # whether it happened in this bin; of value: whether there was any money
    matured_at: int
    snapshots: list[Frozen]  # at risk at the beginning of the bin
    served: list[Served] = []  # of horizons that are decided by this bin
    amount_micros: int = 0  # of value: in this step, in the reporting currency
    spent_micros: int = 0  # of value: before this step
    amounts_micros: list[int] = []  # of value: in the bucket, after the landmark of each snapshot


class CommandKind(IntEnum):
    PROMOTE = 0
    ROLL_BACK = 1
    SUSPEND = 2
    RESUME = 3
    QUARANTINE = 4


class ModelCommand(Struct, frozen=True, array_like=True, gc=False, tag=3):
    """What somebody ordered about a model; carried out where it stands in the log."""

    command_id: str
    kind: CommandKind
    model: str
    version: str = ""
    first_offset: int = 0  # of the examples in quarantine
    last_offset: int = 0
    ordered_at: int = 0
    reason: str = ""


class ExposureTouch(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint as far as it may have moved somebody to install."""

    channel: str  # see `channel_of`
    time: EventMs
    is_click: bool
    flags: int = 0  # bits of Flag


class ExposurePath(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """What one device was shown while it was watched, whether it installed or not."""

    path_id: str
    app_id: str
    begin_time: EventMs
    end_time: EventMs  # of the window, or of the install that ended it
    is_installed: bool
    touches: list[ExposureTouch]  # in order of time, also those before the window
    prior_installs: int
    weight: float  # how many devices it stands for


def channel_of(media_source: str, channel: str) -> str:
    """Who shares credit: a media source, by channel where it names one."""
    return f"{media_source}/{channel}" if channel else media_source


ExampleRecord = Example | ExposurePath | ModelCommand
