"""What stages say to each other on the internal topics, as compact MessagePack arrays.

One Kafka message is one frame: the upstream watermarks that hold once the frame is read, and
the records of one checkpoint for one partition. Times are milliseconds since 1970; `ts` is the
log time of the source record, `time` is when the producer says it happened.
"""

from __future__ import annotations

import zlib
from enum import IntEnum, IntFlag

from msgspec import Struct, field, msgpack

Source = tuple[int, int, int]
"""Where a record came from: index into `topics.SOURCES`, partition, offset."""

FRAME_BYTES_MAX = 400_000
"""A frame is split here, well below the broker's 1 MiB message limit."""


def partition_of(key: str, partitions: int) -> int:
    """The partition of a match key or install id; the same in every process and version."""
    return zlib.crc32(key.encode()) % partitions


class TouchKind(IntEnum):
    IMPRESSION = 0
    CLICK = 1


class Signal(IntEnum):
    """Which evidence joined a touchpoint and an install; lower is stronger."""

    REFERRER = 0
    CLICK_ID = 1
    DEVICE_ID = 2
    ADSERVICES = 3
    PROBABILISTIC = 4


class Flag(IntFlag):
    """What intake noticed about a touchpoint or an install."""

    SIGNATURE_MISSING = 1
    SIGNATURE_INVALID = 2
    SIGNATURE_STALE = 4
    MALFORMED_ID = 8  # an advertising id that is no UUID
    SEARCH = 16  # an ad on the results of a search: it has a keyword
    OWNED = 32  # a visit to what the advertiser owns: a site, a store page


class MoneyKind(IntEnum):
    PURCHASE = 0
    SUBSCRIPTION = 1
    REFUND = 2
    AD_REVENUE = 3


class Touch(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint as matching and journeys remember it."""

    event_id: str
    touch_id: str
    kind: TouchKind
    time: int
    ts: int
    media_source: str
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    click_lookback_ms: int  # 0: the rule set decides
    view_lookback_ms: int
    is_retargeting: bool = False
    flags: int = 0  # bits of Flag
    traits: list[str] = []  # see TRAITS; empty unless probabilistic matching is on


TRAITS = ("ip", "network", "os_version", "user_agent", "country_code")
"""What probabilistic matching compares; personal ones are pseudonyms, "" is unknown."""


class Money(Struct, frozen=True, array_like=True, gc=False):
    """Money that moved. `booking_id` names it for ever, `transaction_id` what it belongs to."""

    booking_id: str
    transaction_id: str
    kind: MoneyKind
    app_id: str
    install_id: str  # "": known only by account or transaction
    account: str  # match key of the account; "": none
    amount_micros: int
    currency: str
    product_id: str
    time: int
    ts: int
    source: Source


# --- records on `match`, by match key -----------------------------------------------------------


class TouchSeen(Struct, frozen=True, array_like=True, gc=False, tag=1):
    key: str
    touch: Touch
    source: Source
    is_home: bool  # exactly one key of a touchpoint accounts for it in the ledger


NOT_ASKED = -1
"""No answer to a lookup: something that came later."""
NAMED_BY_SESSION = -2
"""No answer either: retargeting touchpoints whose click a session of the install names."""


class InstallSeen(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """An install looks itself up under one of its keys."""

    key: str
    install_id: str
    signal: Signal
    ordinal: int  # which of the install's lookups this is, from 0; -1: a session names a click
    time: int
    ts: int


class AccountLinked(Struct, frozen=True, array_like=True, gc=False, tag=3):
    """An install was seen signed in to an account."""

    key: str
    install_id: str
    time: int
    ts: int


class MoneySeen(Struct, frozen=True, array_like=True, gc=False, tag=4):
    """Keyed by transaction, so that money is deduplicated before anything else."""

    key: str
    money: Money


class AccountMoney(Struct, frozen=True, array_like=True, gc=False, tag=5):
    """Deduplicated money that has to find the install of its account."""

    key: str
    money: Money
    paid_at: int  # when the purchase happened, also for its refunds
    deadline: int  # last log time at which a link still counts, also for its refunds


class ErasureSeen(Struct, frozen=True, array_like=True, gc=False, tag=6):
    """Whoever is known under this key has asked to be forgotten."""

    key: str
    request_id: str
    ts: int


class PostbackSeen(Struct, frozen=True, array_like=True, gc=False, tag=7):
    """A postback came in; the key says which. It names no device, and no install."""

    key: str
    ts: int
    source: Source


MatchRecord = (
    TouchSeen | InstallSeen | AccountLinked | MoneySeen | AccountMoney | ErasureSeen | PostbackSeen
)


# --- records on `journeys`, by install id -------------------------------------------------------


class Installed(Struct, frozen=True, array_like=True, gc=False, tag=1):
    install_id: str
    event_id: str
    app_id: str
    platform: str
    country_code: str
    app_version: str
    os_version: str
    time: int
    ts: int
    lookups: int  # how many answers of matching to wait for
    is_organic_referrer: bool
    source: Source
    begin_time: int = 0  # when the download began, by the server if it says so; 0: unknown
    referrer_click_time: int = 0  # 0: unknown
    flags: int = 0  # bits of Flag
    adservices: Touch | None = None  # what Apple says led to the install
    traits: list[str] = []  # see TRAITS


class Prior(Struct, frozen=True, array_like=True, gc=False):
    """An install that was seen under the same device id."""

    install_id: str
    time: int
    ts: int


class Candidates(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """Matching's answer to one lookup, or a touchpoint that came after the lookup."""

    install_id: str
    signal: Signal
    ordinal: int  # of the lookup it answers, or NOT_ASKED, or NAMED_BY_SESSION
    touches: list[Touch]
    priors: list[Prior] = []  # with Signal.DEVICE_ID only


class ActivitySeen(Struct, frozen=True, array_like=True, gc=False, tag=3):
    install_id: str
    event_id: str
    name: str  # "session", or the name of the in-app event
    is_session: bool
    time: int
    ts: int
    source: Source


class MoneyRouted(Struct, frozen=True, array_like=True, gc=False, tag=4):
    """Money for this install, or taken from it again (`sign` -1) because a relink moved it."""

    install_id: str
    money: Money
    sign: int
    move: int  # how many relinks moved the money before; 0: its first place
    deadline: int  # last log time at which the install may still appear


class ModelMarker(Struct, frozen=True, array_like=True, gc=False, tag=5):
    """From here on this partition scores with this version; "" suspends the model."""

    model: str
    version: str
    published_at: int = 0  # log time up to which it had learned


class SiteVerdict(Struct, frozen=True, array_like=True, gc=False, tag=6):
    """What the history of a site says of one install that its touchpoint brought."""

    install_id: str
    event_id: str  # of the touchpoint
    reason: str
    value: float  # posterior probability, 0..1
    ts: int  # log time of the judgement


class Erased(Struct, frozen=True, array_like=True, gc=False, tag=7):
    """The person behind the install has asked to be forgotten."""

    install_id: str
    request_id: str
    ts: int


JourneyRecord = (
    Installed | Candidates | ActivitySeen | MoneyRouted | ModelMarker | SiteVerdict | Erased
)


# --- records on `sites`, by site ----------------------------------------------------------------


def site_key(app_id: str, media_source: str, site_id: str) -> str:
    """Names a site within one app and media source."""
    return f"{app_id}\x1f{media_source}\x1f{site_id}"


class SiteTouches(Struct, frozen=True, array_like=True, gc=False, tag=1):
    """How much one site showed in one batch of intake; repeats are counted as well."""

    key: str
    hour: int  # hours since 1970, by log time
    clicks: int
    impressions: int


class SiteInstall(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """A click of the site gets the credit for an install (`sign` 1), or no longer (-1).

    Also told, with `is_rejected`: a click that would have had it, were it not for fraud.
    `time` and `ts` are those of the install, so that what is taken back is found again.
    """

    key: str
    install_id: str
    event_id: str  # of the touchpoint
    ctit_ms: int
    sign: int
    is_new_device: bool
    time: int
    ts: int
    after_begin_ms: int | None = None  # of the click, after the download began; None: unknown
    is_rejected: bool = False
    touch_id: str = ""
    campaign_id: str = ""


SiteRecord = SiteTouches | SiteInstall


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
    time: int
    is_click: bool
    flags: int = 0  # bits of Flag


class ExposurePath(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """What one device was shown while it was watched, whether it installed or not."""

    path_id: str
    app_id: str
    begin_time: int
    end_time: int  # of the window, or of the install that ended it
    is_installed: bool
    touches: list[ExposureTouch]  # in order of time, also those before the window
    prior_installs: int
    weight: float  # how many devices it stands for


def channel_of(media_source: str, channel: str) -> str:
    """Who shares credit: a media source, by channel where it names one."""
    return f"{media_source}/{channel}" if channel else media_source


ExampleRecord = Example | ExposurePath | ModelCommand


# --- frames -------------------------------------------------------------------------------------


class MatchFrame(Struct, frozen=True, array_like=True):
    watermarks: dict[str, int] = field(default_factory=dict)
    records: list[MatchRecord] = field(default_factory=list)


class JourneyFrame(Struct, frozen=True, array_like=True):
    watermarks: dict[str, int] = field(default_factory=dict)
    records: list[JourneyRecord] = field(default_factory=list)


class SiteFrame(Struct, frozen=True, array_like=True):
    watermarks: dict[str, int] = field(default_factory=dict)
    records: list[SiteRecord] = field(default_factory=list)


class ExampleFrame(Struct, frozen=True, array_like=True):
    watermarks: dict[str, int] = field(default_factory=dict)  # none: examples bring their times
    records: list[ExampleRecord] = field(default_factory=list)


encoder = msgpack.Encoder()
match_frames = msgpack.Decoder(MatchFrame)
journey_frames = msgpack.Decoder(JourneyFrame)
site_frames = msgpack.Decoder(SiteFrame)
example_frames = msgpack.Decoder(ExampleFrame)
