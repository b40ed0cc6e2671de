"""Touchpoints, installs and sessions as matching and journeys remember them."""

from __future__ import annotations

from schemas.events import AdServices, InAppEvent, Install, Session, Touchpoint
from schemas.records import ActivitySeen, Flag, Installed, Source, Touch, TouchKind
from streams.stages.common.match_keys import is_organic_referrer
from streams.stages.intake.signatures import install_flags

OWNED_CHANNEL = "owned"
"""Channel of visits to what the advertiser owns: its site, its store page, its messages."""

APPLE_SEARCH_ADS = "Apple Search Ads"
"""Media source of what Apple's AdServices reports."""


def touch_seen(event: Touchpoint, ts: int, flags: int, traits: list[str]) -> Touch:
    return Touch(
        event.event_id,
        event.touch_id,
        TouchKind.CLICK if event.touch_type == "click" else TouchKind.IMPRESSION,
        event.event_time,
        ts,
        event.media_source,
        event.channel or "",
        event.campaign_id or "",
        event.campaign_name or "",
        event.adset_id or "",
        event.ad_id or "",
        event.site_id or "",
        (event.click_lookback_s or 0) * 1_000,
        (event.view_lookback_s or 0) * 1_000,
        event.is_retargeting,
        flags | _intent(event),
        traits,
    )


def _intent(event: Touchpoint) -> int:
    """Whether somebody was looking for something, rather than shown it."""
    searched = Flag.SEARCH if event.keyword else 0
    return searched | (Flag.OWNED if event.channel == OWNED_CHANNEL else 0)


def installed(
    event: Install, source: Source, ts: int, lookups: int, traits: list[str]
) -> Installed:
    """`lookups` is how many answers of matching the journey has to wait for."""
    return Installed(
        event.install_id,
        event.event_id,
        event.app_id,
        event.platform or "",
        event.country_code or "",
        event.app_version or "",
        event.os_version or "",
        event.event_time,
        ts,
        lookups,
        is_organic_referrer(event.install_referrer),
        source,
        # Clocks of devices lie; where the store's servers have stamped it too, they count.
        (event.install_begin_time_server_s or event.install_begin_time_s or 0) * 1_000,
        (event.referrer_click_time_server_s or event.referrer_click_time_s or 0) * 1_000,
        install_flags(event),
        _claimed(event, ts),
        traits,
    )


def activity_seen(event: Session | InAppEvent, source: Source, ts: int) -> ActivitySeen:
    is_session = isinstance(event, Session)
    name = "session" if isinstance(event, Session) else event.name
    return ActivitySeen(
        event.install_id, event.event_id, name, is_session, event.event_time, ts, source
    )


def _claimed(event: Install, ts: int) -> Touch | None:
    """The touchpoint that Apple says led to the install. Without the user's permission Apple does
    not say when it was: then its time is 0."""
    payload = event.adservices
    if payload is None or not payload.attribution:
        return None
    name = f"adservices {event.install_id}"
    is_click = payload.claim_type != "Impression"
    time = payload.click_time if is_click else payload.impression_time
    campaign, ad_group, ad = _names(payload)
    return Touch(
        name,
        name,
        TouchKind.CLICK if is_click else TouchKind.IMPRESSION,
        time or 0,
        ts,
        APPLE_SEARCH_ADS,
        "search",
        campaign,
        "",
        ad_group,
        ad,
        "",
        0,
        0,
        is_retargeting=payload.conversion_type == "Redownload",
        flags=Flag.SEARCH,
    )


def _names(payload: AdServices) -> tuple[str, str, str]:
    numbers = payload.campaign_id, payload.ad_group_id, payload.ad_id
    campaign, ad_group, ad = ("" if one is None else str(one) for one in numbers)
    return campaign, ad_group, ad
