"""Records on `journeys`, partitioned by app and install id."""

from __future__ import annotations

from msgspec import Struct

from schemas.records.experiment import ExposureSeen, OrderGiven
from schemas.records.match import SANDBOX_SCOPE
from schemas.records.money import Money
from schemas.records.site import KEY_SEPARATOR
from schemas.records.touch import Signal, Source, Touch
from schemas.time import EventMs, LogMs

JOURNEY_PREFIXES = ("j:", f"{SANDBOX_SCOPE}j:")
"""How the key of a journey begins."""


def journey_key(app_id: str, install_id: str, *, is_sandbox: bool = False) -> str:
    """The key of a journey. An install id is unique within its app only: all apps of a vendor may
    take Apple's vendor id for it. Test traffic has a journey of its own.

    The keys of later lives end in one separator and a number, so a separator within is doubled."""
    if KEY_SEPARATOR in install_id:
        install_id = install_id.replace(KEY_SEPARATOR, 2 * KEY_SEPARATOR)
    return f"{SANDBOX_SCOPE if is_sandbox else ''}j:{app_id}:{install_id}"


def life_key(journey: str, opening: int) -> bytes:
    """The state key of one life. The first one has the key of the journey."""
    return f"{journey}{KEY_SEPARATOR}{opening:x}".encode() if opening else journey.encode()


class Installed(Struct, frozen=True, array_like=True, gc=False, tag=1):
    install_id: str
    event_id: str
    app_id: str
    platform: str
    country_code: str
    app_version: str
    os_version: str
    time: EventMs
    ts: LogMs
    lookups: int  # number of answers from matching to wait for
    is_organic_referrer: bool
    source: Source
    begin_time: EventMs = EventMs(0)  # of the download, by the server if it says so; 0: unknown
    referrer_click_time: EventMs = EventMs(0)  # 0: unknown
    flags: int = 0  # bits of Flag
    adservices: Touch | None = None  # the touchpoint that Apple AdServices names
    traits: list[str] = []  # see TRAITS
    described: list[str] = []  # see INSTALL_TEXTS; empty when the install has none of them
    reported_time: EventMs = EventMs(0)  # what the producer said, where `time` is corrected
    time_correction: str = ""  # see `schemas.clocks.TimeCorrection`
    is_sandbox: bool = False
    opening: int = 0  # hash of all that tells it from other first opens of the install; 0: unknown
    devices: list[int] = []  # hashes of its device keys
    evidence: list[int] = []  # hashes of its other keys, and of what the store says
    conversion_id: str = ""  # empty for the first life of an install: its install id
    forbidden: int = 0  # uses that the person refuses: bits of `attribution.rules.consent.Use`
    refused: int = 0  # what the event refused: bits of `attribution.rules.consent.ConsentRefusal`
    keys: list[str] = []  # match keys under which it is known from then on

    @property
    def life_id(self) -> str:
        """The id of the conversion that this first open is."""
        return self.conversion_id or self.install_id


INSTALL_TEXTS = ("device_model", "store", "install_version")
"""Names of the texts of an install that decide nothing: they are for the rows about it."""


class Prior(Struct, frozen=True, array_like=True, gc=False):
    """An install that was seen under the same device id."""

    install_id: str
    time: EventMs
    ts: LogMs
    device_ids: int = 0  # by which: bits of `attribution.rules.consent.Use`; 0: not recorded


class Candidates(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """Matching's answer to one lookup, or a touchpoint that arrived after the answer."""

    install_id: str
    signal: Signal
    ordinal: int  # of the lookup it answers, or NOT_ASKED, or NAMED_BY_SESSION
    touches: list[Touch]
    priors: list[Prior] = []  # with Signal.DEVICE_ID only
    app_id: str = ""
    is_sandbox: bool = False
    opening: int = 0  # of the install that it answers; 0: unknown
    device_ids: int = 0  # by which: bits of `attribution.rules.consent.Use`; 0: not recorded


class ActivitySeen(Struct, frozen=True, array_like=True, gc=False, tag=3):
    install_id: str
    event_id: str
    name: str  # "session", or the name of the in-app event
    is_session: bool
    time: EventMs
    ts: LogMs
    source: Source
    app_id: str = ""
    reported_time: EventMs = EventMs(0)  # what the producer said, where `time` is corrected
    time_correction: str = ""  # see `schemas.clocks.TimeCorrection`
    is_sandbox: bool = False
    opening: int = 0  # of the life in which it happened, if that is not the one known first
    keys: list[str] = []  # match keys under which the install is known from then on


TAKEN_BACK = -1
"""Move of money that a transaction takes back, because it is worth something else now."""


class MoneyRouted(Struct, frozen=True, array_like=True, gc=False, tag=4):
    """Money booked to this install, or taken from it (`sign` -1): a relink moved it, or it is worth
    something else now."""

    install_id: str
    money: Money
    sign: int
    move: int  # number of relinks that moved the money before, or TAKEN_BACK
    deadline: LogMs  # last log time at which the install may still appear

    @property
    def app_id(self) -> str:
        """The app in which the money was made, and in which its install is known."""
        return self.money.app_id

    @property
    def is_sandbox(self) -> bool:
        """Whether it is test money."""
        return self.money.is_sandbox


class ModelMarker(Struct, frozen=True, array_like=True, gc=False, tag=5):
    """From here on the partition scores with this version; "" suspends the model."""

    model: str
    version: str
    published_at: LogMs = LogMs(0)  # log time up to which it had learned


class SiteVerdict(Struct, frozen=True, array_like=True, gc=False, tag=6):
    """A verdict from the history of a site on one install that its touchpoint brought."""

    install_id: str
    event_id: str  # of the touchpoint
    reason: str
    value: float  # posterior probability, 0..1
    ts: LogMs  # log time of the judgement
    app_id: str = ""

    @property
    def is_sandbox(self) -> bool:
        """Sites know nothing of test traffic."""
        return False


class Erased(Struct, frozen=True, array_like=True, gc=False, tag=7):
    """The person behind the install has requested erasure."""

    install_id: str
    request_id: str
    ts: LogMs
    app_id: str = ""
    is_sandbox: bool = False


class LinksCut(Struct, frozen=True, array_like=True, gc=False, tag=8):
    """Whoever had the device of the install until `ts` has requested erasure: the install begins
    anew, and must not be linked to what was logged under the device before."""

    install_id: str
    ts: LogMs
    app_id: str
    is_sandbox: bool = False
    touch_id: str = ""  # of the click that alone links it to them; "": any device id does


class ChoiceMade(Struct, frozen=True, array_like=True, gc=False, tag=9):
    """The person behind the install opts out, or in again, for what is logged after `ts`."""

    install_id: str
    request_id: str
    ts: LogMs
    is_refused: bool
    app_id: str
    is_sandbox: bool = False


JourneyRecord = (
    Installed
    | Candidates
    | ActivitySeen
    | MoneyRouted
    | ModelMarker
    | SiteVerdict
    | Erased
    | LinksCut
    | ChoiceMade
    | OrderGiven
    | ExposureSeen
)
