"""Postbacks as they arrive: SKAdNetwork 3 and 4, AdAttributionKit, copies and forgeries."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import json

from schemas import topics
from streams.lab.simulator.drafts.apple_signatures import sign_jws, sign_skadnetwork
from streams.lab.simulator.drafts.message_parts import Draft, MessageFields, MessageParts
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.ids import device_ids
from streams.lab.simulator.market.market import MARKET_APPS, MEDIA_SOURCES, Campaign

_TRANSACTIONS = 41  # purpose of `device_ids`
_COPIED_EVERY = 7  # a device that got no answer sends its postback again
_FORGED_EVERY, _FORGED = 16, 10
_COARSE = ("low", "medium", "high")

# By number: what a postback is.
_FIRST_FINE, _FIRST_COARSE, _SECOND, _LOST, _OLD, _KIT_FINE, _KIT_COARSE, _KIT_BACK = range(8)


def draft_postbacks(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    return [_postback(parts, number) for number in rows.tolist()]


def _postback(parts: MessageParts, number: int) -> Draft:
    plan = parts.plan
    is_copy = number % _COPIED_EVERY == _COPIED_EVERY - 1
    conversion = number - 1 if is_copy else number
    install = int(plan.postbacks.install[conversion])
    placement = plan.market.placement_campaign[plan.installs.placement[install]]
    campaign = plan.market.campaigns[int(placement)]
    (transaction_id,) = device_ids(plan.scenario.seed, _TRANSACTIONS, np.array([conversion]))
    is_kit = conversion % 8 >= _KIT_FINE
    write = _adattributionkit if is_kit else _skadnetwork
    event_id = f"{parts.run}-b{number:x}-e"
    fields: MessageFields = {
        "type": "aak_postback" if is_kit else "skan_postback",
        "schema_version": 1,
        "source": "network",
        "event_id": event_id,
        "app_id": MARKET_APPS[campaign.app].app_id,
        "event_time": int(plan.postbacks.time[number]),
        "body": json.encode(write(conversion, transaction_id, campaign)).decode(),
    }
    return Draft(topics.POSTBACKS.name, event_id.encode(), json.encode(fields))


def _skadnetwork(number: int, transaction_id: str, campaign: Campaign) -> dict[str, Any]:
    kind = number % 8
    body: dict[str, Any] = {
        "version": "3.0" if kind == _OLD else "4.0",
        "ad-network-id": f"{MEDIA_SOURCES[campaign.source].name}.skadnetwork",
        "app-id": _store_number(campaign.app),
        "transaction-id": transaction_id,
        "redownload": number % 9 == 0,
        "fidelity-type": number // 8 % 2,
        "did-win": kind != _LOST,
        **_value(number, is_coarse=kind in (_FIRST_COARSE, _SECOND), has_none=kind == _LOST),
    }
    if kind == _OLD:
        body["campaign-id"] = int(campaign.campaign_id[1:]) % 100 + 1
    else:
        body["source-identifier"] = campaign.campaign_id[1:].zfill(4)
        body["postback-sequence-index"] = int(kind == _SECOND)
    if kind == _FIRST_FINE:
        body["source-app-id"] = 2_000_000_000 + number % 50
    signed = sign_skadnetwork(body)
    if number % _FORGED_EVERY == _FORGED:  # a forger wants to be paid again
        signed["transaction-id"] = f"{transaction_id}-again"
    return signed


def _adattributionkit(number: int, transaction_id: str, campaign: Campaign) -> dict[str, Any]:
    kind = number % 8
    payload = {
        "postback-identifier": transaction_id.upper(),
        "ad-network-identifier": f"{MEDIA_SOURCES[campaign.source].name}.adattributionkit",
        "advertised-item-identifier": _store_number(campaign.app),
        "conversion-type": "re-engagement" if kind == _KIT_BACK else "download",
        "did-win": True,
        "impression-type": "app-impression",
        "marketplace-identifier": "com.apple.AppStore",
        "postback-sequence-index": 0,
        "publisher-item-identifier": 2_000_000_000 + number % 50,
        "source-identifier": campaign.campaign_id[1:].zfill(4),
    }
    return {
        "jws-string": sign_jws(payload),
        "ad-interaction-type": ("view", "click")[number // 8 % 2],
        "country-code": ("US", "DE", "JP")[number % 3],
        **_value(number, is_coarse=kind == _KIT_COARSE, has_none=False),
    }


def _value(number: int, *, is_coarse: bool, has_none: bool) -> dict[str, Any]:
    if has_none:
        return {}
    if is_coarse:
        return {"coarse-conversion-value": _COARSE[number % 3]}
    return {"conversion-value": number * 37 % 64}


def _store_number(app: int) -> int:
    return 1_000_000_001 + app
