"""Cost reports, exchange rates and privacy requests as they arrive."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import json

from schemas import topics
from schemas.time import DAY_MS
from streams.lab.simulator.drafts.message_parts import Draft, MessageFields, MessageParts
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.market.exchange_rates import QUOTED_CURRENCIES, currency_pair
from streams.lab.simulator.market.market import MARKET_APPS, MEDIA_SOURCES

_REQUEST_TYPES = ("access", "opt_out", "erasure")


def draft_costs(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    return [_cost(parts, number) for number in rows.tolist()]


def _cost(parts: MessageParts, number: int) -> Draft:
    plan = parts.plan
    costs = plan.costs
    campaign = plan.market.campaigns[int(costs.campaign[number])]
    media = MEDIA_SOURCES[campaign.source]
    day_start = plan.scenario.start_ms + int(costs.day[number]) * DAY_MS
    fields: MessageFields = {
        "type": "cost",
        "schema_version": 1,
        "source": "network",
        "event_id": f"{parts.run}-k{number:x}-e",
        "app_id": MARKET_APPS[campaign.app].app_id,
        "event_time": day_start,
        "date": datetime.fromtimestamp(day_start / 1000, UTC).date().isoformat(),
        "media_source": media.name,
        "channel": media.channel,
        "campaign_id": campaign.campaign_id,
        "campaign_name": campaign.name,
        "impressions": int(costs.impressions[number]),
        "clicks": int(costs.clicks[number]),
        "installs": int(costs.installs[number]),
        "amount_micros": int(costs.amount_micros[number]),
        "currency": "USD",
        "revision": int(costs.revision[number]),
    }
    return Draft(topics.COSTS.name, campaign.campaign_id.encode(), json.encode(fields))


def draft_rates(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    return [_rate(parts, number) for number in rows.tolist()]


def _rate(parts: MessageParts, number: int) -> Draft:
    plan = parts.plan
    rates = plan.rates
    currency = QUOTED_CURRENCIES[int(rates.currency[number])]
    base, quote = currency_pair(currency)
    day_start = plan.scenario.start_ms + int(rates.day[number]) * DAY_MS
    fields: MessageFields = {
        "type": "exchange_rate",
        "schema_version": 1,
        "source": "s2s",
        "event_id": f"{parts.run}-x{number:x}-e",
        "event_time": int(rates.log_time[number]),
        "date": datetime.fromtimestamp(day_start / 1000, UTC).date().isoformat(),
        "base_currency": base,
        "quote_currency": quote,
        "rate_e9": int(rates.rate_e9[number]),
        "rate_source": "simulated bank",
        "revision": int(rates.revision[number]),
    }
    return Draft(topics.COSTS.name, currency.encode(), json.encode(fields))


def draft_privacy_requests(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    return [_privacy_request(parts, number) for number in rows.tolist()]


def _privacy_request(parts: MessageParts, number: int) -> Draft:
    plan = parts.plan
    install = int(plan.privacy_requests.install[number])
    at = int(plan.privacy_requests.time[number])
    event_id = f"{parts.run}-q{number:x}-e"
    fields: MessageFields = {
        "type": "privacy_request",
        "schema_version": 1,
        "source": "s2s",
        "event_id": event_id,
        "app_id": MARKET_APPS[int(plan.installs.app[install])].app_id,
        "event_time": at,
        "subject_request_id": event_id,
        "request_type": _REQUEST_TYPES[number % 3],
        "identities": [
            {"identity_type": "install_id", "identity_value": parts.install_id(install)}
        ],
        "submitted_time": at,
    }
    return Draft(topics.PRIVACY_REQUESTS.name, event_id.encode(), json.encode(fields))
