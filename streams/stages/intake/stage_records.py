"""Makes the records of touchpoints, installs and sessions that matching and journeys receive."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.clocks import CorrectedTime, reported_time
from schemas.events import AdServices, InAppEvent, Install, Session, Touchpoint
from schemas.records import ActivitySeen, Flag, Installed, Source, Touch, TouchKind
from schemas.time import SECOND_MS, EventMs, LogMs, Millis
from streams.stages.intake.signatures import install_flags
from streams.stages.intake.store_times import store_times

OWNED_CHANNEL = "owned"
"""Channel of visits to the advertiser's own media: its site, its store page, its messages."""

_COUNTRY_LENGTH = 2

APPLE_SEARCH_ADS = "Apple Search Ads"
"""Media source of touchpoints that Apple's AdServices reports."""


def touch_seen(
    event: Touchpoint,
    ts: LogMs,
    flags: int,
    traits: list[str],
    clock: CorrectedTime | None = None,
) -> Touch:
    """The touchpoint as matching receives it."""
    # By position: with 17 keywords msgspec takes 5 µs instead of 1, and this is the busiest record.
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
        (event.click_lookback_s or 0) * SECOND_MS,
        (event.view_lookback_s or 0) * SECOND_MS,
        event.is_retargeting,
        flags | _marks(event),
        traits,
        _touch_texts(event),
        reported_time(clock),
        clock.reason if clock else "",
    )


def _marks(event: Touchpoint) -> int:
    """Flags of touchpoints that show intent, by a search or a visit to owned media, and of those
    whose network forbids to show its name."""
    flags = Flag.SEARCH if event.keyword else 0
    if event.channel == OWNED_CHANNEL:
        flags |= Flag.OWNED
    return flags | Flag.RESTRICTED if event.is_restricted else flags


_NO_TEXTS: list[str] = []


def _touch_texts(event: Touchpoint) -> list[str]:
    """The texts in the order of `records.TOUCH_TEXTS`; an empty list when there are none."""
    keyword, site = event.keyword, event.sub_site_id
    adset, ad = event.adset_name, event.ad_name
    if keyword is None and site is None and adset is None and ad is None:
        return _NO_TEXTS
    return [site or "", keyword or "", adset or "", ad or ""]


def _install_texts(event: Install) -> list[str]:
    """The texts in the order of `records.INSTALL_TEXTS`; an empty list when there are none."""
    texts = [event.device_model or "", event.store or "", event.install_version or ""]
    return texts if any(texts) else _NO_TEXTS


def installed(
    event: Install,
    source: Source,
    ts: LogMs,
    lookups: int,
    traits: list[str],
    *,
    is_organic: bool = False,
) -> Installed:
    """The install as its journey receives it; `lookups` is the number of answers to wait for,
    `is_organic` what its referrer says, and `forbidden` what the person refuses."""
    stamps = store_times(event, ts, None)
    return Installed(
        install_id=event.install_id,
        event_id=event.event_id,
        app_id=event.app_id,
        platform=event.platform or "",
        country_code=event.country_code or _storefront(event.adservices),
        app_version=event.app_version or "",
        os_version=event.os_version or "",
        time=event.event_time,
        ts=ts,
        lookups=lookups,
        is_organic_referrer=is_organic,
        source=source,
        begin_time=stamps.begin_time,
        referrer_click_time=stamps.referrer_click_time,
        flags=install_flags(event) | stamps.flags,
        adservices=_claimed(event, ts),
        traits=traits,
        described=_install_texts(event),
        is_sandbox=event.environment == "sandbox",
        conversion_id=f"{event.install_id}~{event.event_id}" * (event.environment == "sandbox"),
    )


def _storefront(payload: AdServices | None) -> str:
    """The country of the store by Apple's payload; empty when it says none."""
    country = payload.country_or_region if payload is not None and payload.attribution else None
    return country if country is not None and len(country) == _COUNTRY_LENGTH else ""


def installed_at_right_time(
    as_reported: Installed, event: Install, clock: CorrectedTime | None
) -> Installed:
    """The install at its corrected time, with what the same clock said of its download."""
    if clock is None:
        return as_reported
    stamps = store_times(event, as_reported.ts, clock)
    return replace(
        as_reported,
        time=clock.time,
        begin_time=stamps.begin_time,
        referrer_click_time=stamps.referrer_click_time,
        flags=install_flags(event) | stamps.flags,
        reported_time=reported_time(clock),
        time_correction=clock.reason,
    )


def activity_seen(
    event: Session | InAppEvent,
    source: Source,
    ts: LogMs,
    clock: CorrectedTime | None = None,
    keys: list[str] = _NO_TEXTS,
) -> ActivitySeen:
    """A session or in-app event as its journey receives it; `keys`: of its account and click."""
    is_session = isinstance(event, Session)
    name = "session" if isinstance(event, Session) else event.name
    return ActivitySeen(
        install_id=event.install_id,
        event_id=event.event_id,
        name=name,
        is_session=is_session,
        time=event.event_time,
        ts=ts,
        source=source,
        app_id=event.app_id,
        reported_time=reported_time(clock),
        time_correction=clock.reason if clock else "",
        is_sandbox=event.environment == "sandbox",
        keys=keys,
    )


def _claimed(event: Install, ts: LogMs) -> Touch | None:
    """The touchpoint that Apple reports as the cause of the install; None: none.

    Without the user's permission Apple leaves out its time, which is 0 then.
    """
    payload = event.adservices
    if payload is None or not payload.attribution:
        return None
    name = f"adservices {event.install_id}"
    is_click = payload.claim_type != "Impression"
    time = payload.click_time if is_click else payload.impression_time
    campaign, ad_group, ad = _names(payload)
    return Touch(
        event_id=name,
        touch_id=name,
        kind=TouchKind.CLICK if is_click else TouchKind.IMPRESSION,
        time=time or EventMs(0),
        ts=ts,
        media_source=APPLE_SEARCH_ADS,
        channel="search",
        campaign_id=campaign,
        campaign_name="",
        adset_id=ad_group,
        ad_id=ad,
        site_id="",
        click_lookback_ms=Millis(0),
        view_lookback_ms=Millis(0),
        is_retargeting=payload.conversion_type == "Redownload",
        flags=Flag.SEARCH,
        # Apple names the number of the keyword only.
        described=["", str(payload.keyword_id), "", ""] if payload.keyword_id is not None else [],
    )


def _names(payload: AdServices) -> tuple[str, str, str]:
    numbers = payload.campaign_id, payload.ad_group_id, payload.ad_id
    campaign, ad_group, ad = ("" if one is None else str(one) for one in numbers)
    return campaign, ad_group, ad
