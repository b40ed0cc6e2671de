"""Apple's AdServices answer, passed on as Apple wrote it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.adservices_answer import adservices_answer
from schemas.decode import decode
from schemas.events import Install
from schemas.time import EventMs, LogMs

NOON = 1_790_000_000_000
APPLE: dict[str, Any] = {
    "attribution": True,
    "orgId": 40669820,
    "campaignId": 542370539,
    "conversionType": "Download",
    "clickDate": "2026-09-21T13:13Z",
    "claimType": "Click",
    "adGroupId": 542317095,
    "countryOrRegion": "US",
    "keywordId": 87675432,
    "adId": 542317136,
}


def install(answer: dict[str, Any]) -> Install:
    event = {
        "type": "install", "schema_version": 1, "event_id": "e1", "app_id": "app",
        "event_time": NOON, "install_id": "i1", "adservices": answer,
    }  # fmt: skip
    read = decode(orjson.dumps(event), "installs", LogMs(NOON), EventMs(0))
    assert isinstance(read, Install)
    return read


def test_apples_own_names_say_what_the_names_of_the_contract_say() -> None:
    answer = install(APPLE).adservices
    assert answer is not None
    assert (answer.campaign_id, answer.ad_group_id, answer.ad_id) == (
        542370539,
        542317095,
        542317136,
    )
    assert (answer.keyword_id, answer.org_id) == (87675432, 40669820)
    assert (answer.claim_type, answer.country_or_region) == ("Click", "US")
    assert answer.click_time == 1_789_996_380_000


def test_apples_test_answer_is_a_sandbox_install() -> None:
    numbers = ("orgId", "campaignId", "adGroupId", "keywordId", "adId")
    test = APPLE | dict.fromkeys(numbers, 1_234_567_890)
    assert install(test).environment == "sandbox"
    assert install(APPLE).environment == "production"


@pytest.mark.parametrize("date", ["yesterday", None, 5, ""])
def test_a_date_that_cannot_be_read_costs_only_itself(date: Any) -> None:
    answer = install(APPLE | {"clickDate": date}).adservices
    assert answer is not None
    assert (answer.campaign_id, answer.click_time) == (542370539, None)


def test_the_names_of_the_contract_are_left_alone() -> None:
    own = {"attribution": True, "campaign_id": 1, "click_time": 2}
    assert adservices_answer(own) is own
    assert adservices_answer(own | {"campaignId": 3, "clickDate": "2026-09-21T13:13Z"}) == own
