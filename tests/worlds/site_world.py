"""Records of one site, for tests of sites. Times are hours of log time after midnight of DAY."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from schemas.records import SiteInstall, SiteTouches, site_key
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs, Millis

DAY = 20_700  # days since 1970
MIDNIGHT = DAY * DAY_MS
KEY = site_key("app", "north", "s1")


def shown(hour: int, clicks: int = 1, impressions: int = 0, *, key: str = KEY) -> SiteTouches:
    return SiteTouches(key, DAY * 24 + hour, clicks, impressions)


def claim(
    install_id: str, hour: float = 0, *, ctit_ms: int = 300_000, **fields: Any
) -> SiteInstall:
    """Of a device that was seen before, unless `fields` say otherwise."""
    ts = MIDNIGHT + round(hour * HOUR_MS)
    usual = SiteInstall(
        KEY, install_id, f"e of {install_id}", Millis(ctit_ms), 1, False, EventMs(ts), LogMs(ts),
        touch_id=f"touch of {install_id}", campaign_id="c1",
    )  # fmt: skip
    return replace(usual, **fields)
