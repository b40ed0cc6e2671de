"""Touchpoints as the stages remember them."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from schemas.time import EventMs, LogMs, Millis

Source = tuple[int, int, int]
"""Source position of a record: index into `topics.SOURCES`, partition, place in the log (see
`schemas.records.log_place`)."""


class TouchKind(IntEnum):
    IMPRESSION = 0
    CLICK = 1


class Signal(IntEnum):
    """The evidence that joins a touchpoint and an install; lower is stronger."""

    REFERRER = 0
    CLICK_ID = 1
    DEVICE_ID = 2
    ADSERVICES = 3
    PROBABILISTIC = 4
    WITHHELD = 5  # a device id that the person forbids to match by; for privacy requests only


class Flag(IntEnum):
    """Findings of intake about a touchpoint or an install, as bits of a number.

    No IntFlag: one `&` with that costs a microsecond, ten times that of the numbers.
    """

    SIGNATURE_MISSING = 1
    SIGNATURE_INVALID = 2
    SIGNATURE_STALE = 4
    MALFORMED_ID = 8  # an advertising id that is not a UUID
    SEARCH = 16  # an ad on search results: it has a keyword
    OWNED = 32  # a visit to a site or store page of the advertiser
    RESTRICTED = 128  # the network forbids to show its name for single users
    SIGNATURE_OLD = 256  # a right signature of version 1, which covers few fields
    DEVICE_CLOCK = 512  # the begin of the download is by the device's clock, which nothing confirms
    DEVICE_CLICK_TIME = 1024  # so is the time of the click in the referrer


class Touch(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint as matching and journeys remember it."""

    event_id: str
    touch_id: str
    kind: TouchKind
    time: EventMs
    ts: LogMs
    media_source: str
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    click_lookback_ms: Millis  # 0: the rule set decides
    view_lookback_ms: Millis
    is_retargeting: bool = False
    flags: int = 0  # bits of Flag
    traits: list[str] = []  # see TRAITS; empty unless probabilistic matching is on
    described: list[str] = []  # see TOUCH_TEXTS; empty when the touchpoint has none of them
    reported_time: EventMs = EventMs(0)  # what the producer said, where `time` is corrected
    time_correction: str = ""  # see `schemas.clocks.TimeCorrection`

    @property
    def identity(self) -> tuple[TouchKind, str]:
        """What tells it apart within its app: networks name the view and the click of one ad by
        one id."""
        return self.kind, self.event_id


TRAITS = ("ip", "network", "os_version", "user_agent", "country_code")
"""Names of the traits that probabilistic matching compares. Personal ones are pseudonyms; "" is
unknown."""

TOUCH_TEXTS = ("sub_site_id", "keyword", "adset_name", "ad_name")
"""Names of the texts of a touchpoint that decide nothing: they are for the row of what it wins."""
