"""Records on `sites`, partitioned by site."""

from __future__ import annotations

from msgspec import Struct

from schemas.time import HOUR_MS, EventMs, LogMs, Millis

KEY_SEPARATOR = "\x1f"
"""Between the parts of a key. An app id has no white space, and so no separator."""


def site_key(app_id: str, media_source: str, site_id: str) -> str:
    """Names a site within one app and media source. A separator within the media source would make
    it another one, so its symbol stands there."""
    if KEY_SEPARATOR in media_source:
        media_source = media_source.replace(KEY_SEPARATOR, "\u241f")
    return f"{app_id}{KEY_SEPARATOR}{media_source}{KEY_SEPARATOR}{site_id}"


LATE_TOUCH_MS = Millis(6 * HOUR_MS)
"""Touchpoints logged later than this count as late when it is decided how early to judge sites."""


class SiteTouches(Struct, frozen=True, array_like=True, gc=False, tag=1):
    """Clicks and impressions of one site in one batch of intake, repeats included."""

    key: str
    hour: int  # hours since 1970, by log time
    clicks: int
    impressions: int
    day: int = 0  # days since 1970, by event time
    late: int = 0  # how many were logged more than LATE_TOUCH_MS after they happened


class SiteInstall(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """A click of the site gets the credit for an install (`sign` 1) or loses it (-1).

    `is_rejected` marks a click that would have had the credit but for fraud. `time` and `ts` are
    those of the install, so that a withdrawal finds what it withdraws.
    """

    key: str
    install_id: str
    event_id: str  # of the touchpoint
    ctit_ms: Millis
    sign: int
    is_new_device: bool
    time: EventMs
    ts: LogMs
    after_begin_ms: Millis | None = None  # of the click, after the download began; None: unknown
    is_rejected: bool = False
    touch_id: str = ""
    campaign_id: str = ""


SiteRecord = SiteTouches | SiteInstall
