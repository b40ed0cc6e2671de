"""Records on `sites`, partitioned by site."""

from __future__ import annotations

from msgspec import Struct

from schemas.time import EventMs, LogMs, Millis


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
