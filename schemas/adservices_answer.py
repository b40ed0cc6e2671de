"""Apple's AdServices answer, in Apple's own names.

Apple answers with `orgId`, `campaignId`, … and `clickDate` as ISO 8601 to the minute
(https://developer.apple.com/documentation/adservices). Producers pass the answer on as it is, or in
the names of the contract; both say the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_NAMES = {
    "orgId": "org_id",
    "campaignId": "campaign_id",
    "adGroupId": "ad_group_id",
    "keywordId": "keyword_id",
    "adId": "ad_id",
    "countryOrRegion": "country_or_region",
    "conversionType": "conversion_type",
    "claimType": "claim_type",
}
_DATES = {"clickDate": "click_time", "impressionDate": "impression_time"}


def adservices_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with the names of the contract. What it says in both names stays as the contract
    names it; a date that cannot be read is left as it is, an unknown field."""
    if not (_NAMES.keys() | _DATES.keys()) & answer.keys():
        return answer
    named = {_NAMES.get(name, name): value for name, value in answer.items()}
    named.update({name: value for name, value in answer.items() if name not in _NAMES})
    for name, own in _DATES.items():
        if (time := _milliseconds(answer.get(name))) is not None:
            del named[name]
            named.setdefault(own, time)
    return named


def _milliseconds(date: Any) -> int | None:
    try:
        moment = datetime.fromisoformat(date)
    except (TypeError, ValueError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1_000)
