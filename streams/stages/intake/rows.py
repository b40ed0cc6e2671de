"""Outcome rows made from a single source event."""

from __future__ import annotations

import base64
import hashlib

from attribution.postbacks.postback import Framework, postback_id
from attribution.postbacks.postback_check import PostbackCheck
from schemas.decode import Unreadable
from schemas.events import (
    AakPostback,
    Cost,
    ExchangeRate,
    PrivacyRequest,
    SkanPostback,
    Touchpoint,
)
from schemas.outcomes import DeadLetter, PostbackRow, PrivacyRow, RateRow, SpendRow, TouchOutcome
from schemas.records import Source, Touch
from schemas.records.site import KEY_SEPARATOR
from schemas.time import LOG_TIME_MAX, LogMs
from streams.stages.common.match_keys import identity_pseudonym
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.common.source_columns import source_columns
from streams.stages.contract import LogRecord

FRAMEWORKS: dict[type[SkanPostback | AakPostback], Framework] = {
    SkanPostback: "skadnetwork",
    AakPostback: "adattributionkit",
}


def touch_outcome(event: Touchpoint, touch: Touch, source: Source, device_key: str) -> TouchOutcome:
    return TouchOutcome(
        event_id=event.event_id,
        app_id=event.app_id,
        touch_id=event.touch_id,
        touch_type=event.touch_type,
        event_time=event.event_time,
        received_at=touch.ts,
        media_source=event.media_source,
        channel=touch.channel,
        campaign_id=touch.campaign_id,
        campaign_name=touch.campaign_name,
        adset_id=touch.adset_id,
        ad_id=touch.ad_id,
        site_id=touch.site_id,
        country_code=event.country_code or "",
        platform=event.platform or "",
        device_key=device_key,
        cost_micros=event.cost_micros or 0,
        cost_currency=event.cost_currency or "",
        reported_time=touch.reported_time,
        time_correction=touch.time_correction,
        environment=event.environment,
        sub_site_id=event.sub_site_id or "",
        keyword=event.keyword or "",
        adset_name=event.adset_name or "",
        ad_name=event.ad_name or "",
        cost_model=event.cost_model or "",
        is_retargeting=event.is_retargeting,
        is_restricted=event.is_restricted,
        app_version=event.app_version or "",
        os_version=event.os_version or "",
        device_model=event.device_model or "",
        **source_columns(source),
    )


def spend_row(event: Cost, source: Source) -> SpendRow:
    return SpendRow(
        spend_id=spend_id(event),
        event_id=event.event_id,
        revision=event.revision,
        app_id=event.app_id,
        date=event.date,
        timezone=event.timezone,
        media_source=event.media_source,
        channel=event.channel or "",
        campaign_id=event.campaign_id or "",
        campaign_name=event.campaign_name or "",
        adset_id=event.adset_id or "",
        ad_id=event.ad_id or "",
        site_id=event.site_id or "",
        country_code=event.country_code or "",
        platform=event.platform or "",
        impressions=event.impressions or 0,
        clicks=event.clicks or 0,
        installs=event.installs or 0,
        amount_micros=event.amount_micros,
        currency=event.currency,
        event_time=event.event_time,
        environment=event.environment,
        **source_columns(source),
    )


def spend_id(event: Cost) -> str:
    """The id of a row of spend: a hash of its dimensions, so that a restatement has the same id."""
    dimensions = (
        event.app_id,
        event.date,
        event.timezone,
        event.media_source,
        event.channel,
        event.campaign_id,
        event.adset_id,
        event.ad_id,
        event.site_id,
        event.country_code,
        event.platform,
    )
    parts = [part or "" for part in dimensions]
    text = KEY_SEPARATOR.join(parts)
    if text.count(KEY_SEPARATOR) >= len(parts):
        text = repr(parts)  # Joined, two lists of parts with separators could be the same.
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def rate_row(event: ExchangeRate, source: Source) -> RateRow:
    return RateRow(
        rate_id=f"{event.date}:{event.base_currency}:{event.quote_currency}",
        event_id=event.event_id,
        revision=event.revision,
        date=event.date,
        base=event.base_currency,
        quote=event.quote_currency,
        rate_e9=event.rate_e9,
        rate_source=event.rate_source,
        event_time=event.event_time,
        environment=event.environment,
        **source_columns(source),
    )


def postback_row(
    event: SkanPostback | AakPostback, source: Source, check: PostbackCheck
) -> PostbackRow:
    framework = FRAMEWORKS[type(event)]
    postback, decoded = check(framework, event.body, event.app_id)
    return PostbackRow(
        postback_id=postback_id(postback, event.body),
        event_id=event.event_id,
        app_id=event.app_id,
        framework=framework,
        version=postback.version,
        ad_network_id=postback.ad_network_id,
        transaction_id=postback.transaction_id,
        sequence_index=postback.sequence_index,
        store_app_id=postback.store_app_id,
        source_identifier=postback.source_identifier,
        campaign_id=postback.campaign_id,
        source_app_id=postback.source_app_id,
        source_domain=postback.source_domain,
        did_win=postback.did_win,
        conversion_type=postback.conversion_type,
        interaction=postback.interaction,
        impression_type=postback.impression_type,
        marketplace_id=postback.marketplace_id,
        country_code=postback.country_code,
        conversion_value=postback.value.fine,
        coarse_value=postback.value.coarse,
        conversion_state=decoded.state,
        conversion_events=decoded.events,
        revenue_min_micros=decoded.revenue_min_micros,
        revenue_max_micros=decoded.revenue_max_micros,
        currency=decoded.currency,
        conversion_schema=decoded.schema_id,
        unsigned_fields=list(postback.unsigned),
        signature_state=postback.verdict.state,
        signature_reason=postback.verdict.reason or "",
        key_id=postback.verdict.key_id,
        body=event.body,
        event_time=event.event_time,
        environment=event.environment,
        **source_columns(source),
    )


def privacy_row(event: PrivacyRequest, source: Source, pseudonyms: Pseudonyms) -> PrivacyRow:
    return PrivacyRow(
        subject_request_id=event.subject_request_id,
        app_id=event.app_id,
        request_type=event.request_type,
        identity_types=[identity.identity_type for identity in event.identities],
        identity_keys=[identity_pseudonym(one, pseudonyms) for one in event.identities],
        submitted_time=event.submitted_time,
        **source_columns(source),
    )


LETTER_VALUE_BYTES_MAX, LETTER_KEY_BYTES_MAX = 2_097_152, 65_536
"""Bytes of a message and of its key that a dead letter keeps. A compressed batch can hold messages
that no topic takes as they are."""


def dead_letter(record: LogRecord, source: Source, unreadable: Unreadable) -> DeadLetter:
    value, key = record.value or b"", record.key or b""
    is_cut = len(value) > LETTER_VALUE_BYTES_MAX or len(key) > LETTER_KEY_BYTES_MAX
    return DeadLetter(
        reason=unreadable.reason,
        detail=unreadable.detail[:500] + "; its end is left out" * is_cut,
        payload=base64.b64encode(value[:LETTER_VALUE_BYTES_MAX]).decode(),
        key=base64.b64encode(key[:LETTER_KEY_BYTES_MAX]).decode(),
        received_at=LogMs(min(max(record.timestamp, 0), LOG_TIME_MAX)),
        **source_columns(source),
    )
