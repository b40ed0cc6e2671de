"""What is remembered of touchpoints, installs and sessions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.events import InAppEvent, Install, Session, Touchpoint
from schemas.records import Flag, Installed, Touch, TouchKind
from schemas.time import EventMs, LogMs, Millis
from streams.stages.intake.stage_records import (
    APPLE_SEARCH_ADS,
    activity_seen,
    installed,
    touch_seen,
)
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event

SOURCE = (1, 0, 7)
SECOND_S = NOON // 1_000


def touch(**fields: Any) -> Touch:
    common = {"touch_type": "click", "touch_id": "t", "media_source": "north"}
    read = msgspec.convert(event("touchpoint", **(common | fields)), Touchpoint)
    return touch_seen(read, LogMs(NOON + 5), Flag.MALFORMED_ID, ["net"])


def install(**fields: Any) -> Installed:
    read = msgspec.convert(event("install", install_id="i1", **fields), Install)
    return installed(read, SOURCE, LogMs(NOON + 5), 3, ["net"])


def claimed(**payload: Any) -> Touch:
    found = install(adservices={"attribution": True, **payload}).adservices
    assert found is not None
    return found


# --- touchpoints ----------------------------------------------------------------------------------


def test_a_touchpoint_is_remembered_with_all_that_rules_and_rows_ask_for() -> None:
    found = touch(
        campaign_id="c", campaign_name="Spring", adset_id="s", ad_id="a", site_id="x",
        channel="social", is_retargeting=True, click_lookback_s=3_600, view_lookback_s=60,
    )  # fmt: skip
    assert found == Touch(
        "e1", "t", TouchKind.CLICK, EventMs(NOON), LogMs(NOON + 5), "north", "social", "c",
        "Spring", "s", "a", "x",
        Millis(3_600_000), Millis(60_000), True, Flag.MALFORMED_ID, ["net"],
    )  # fmt: skip


def test_what_a_touchpoint_does_not_say_is_empty_and_leaves_the_rules_their_say() -> None:
    found = touch()
    assert (found.campaign_id, found.channel, found.site_id) == ("", "", "")
    assert (found.click_lookback_ms, found.view_lookback_ms) == (0, 0)
    assert not found.is_retargeting


def test_an_impression_is_a_view() -> None:
    assert touch(touch_type="impression").kind is TouchKind.IMPRESSION


def test_texts_are_carried_for_the_row_of_the_winner_where_there_are_any() -> None:
    found = touch(sub_site_id="slot", adset_name="Wide", ad_name="Barn", is_restricted=True)
    assert found.described == ["slot", "", "Wide", "Barn"]
    assert found.flags & Flag.RESTRICTED
    assert touch(keyword="farm game").described == ["", "farm game", "", ""]
    assert touch().described == []
    assert not touch().flags & Flag.RESTRICTED


# --- installs -------------------------------------------------------------------------------------


def test_an_install_is_remembered_with_what_its_row_and_its_rules_ask_for() -> None:
    found = install(platform="android", country_code="DE", app_version="2", os_version="15")
    assert (found.install_id, found.app_id, found.platform, found.country_code) == (
        "i1", "app", "android", "DE",
    )  # fmt: skip
    assert (found.time, found.ts, found.lookups, found.source) == (NOON, NOON + 5, 3, SOURCE)
    assert (found.traits, found.adservices, found.flags) == (["net"], None, 0)
    assert found.described == []


def test_what_an_install_says_of_its_device_and_store_is_carried_for_its_row() -> None:
    found = install(device_model="Pixel 8", install_version="1.9")
    assert found.described == ["Pixel 8", "", "1.9"]


def test_apple_names_the_storefront_and_the_number_of_the_keyword() -> None:
    stated = {"attribution": True, "country_or_region": "US", "keyword_id": 7}
    assert install(adservices=stated).country_code == "US"
    assert install(adservices=stated, country_code="DE").country_code == "DE"
    assert install(adservices=stated | {"country_or_region": "Germany"}).country_code == ""
    assert install(adservices=stated | {"attribution": False}).country_code == ""
    assert claimed(**stated).described == ["", "7", "", ""]


@pytest.mark.parametrize(
    ("fields", "begin", "clicked"),
    [
        ({}, 0, 0),
        ({"install_begin_time_s": 10, "referrer_click_time_s": 5}, 10_000, 5_000),
        ({"install_begin_time_s": 10, "install_begin_time_server_s": 12}, 12_000, 0),
        ({"referrer_click_time_s": 5, "referrer_click_time_server_s": 6}, 0, 6_000),
    ],
)
def test_times_of_the_store_s_servers_go_before_those_of_the_device(
    fields: dict[str, int], begin: int, clicked: int
) -> None:
    found = install(**fields)
    assert (found.begin_time, found.referrer_click_time) == (begin, clicked)


def test_a_wrong_signature_of_the_sdk_and_an_id_that_is_none_are_flagged() -> None:
    assert install(sdk_signature_valid=False).flags == Flag.SIGNATURE_INVALID
    assert install(sdk_signature_valid=True).flags == 0
    assert install(gaid="not an id").flags == Flag.MALFORMED_ID


# --- what Apple says ------------------------------------------------------------------------------


def test_without_a_claim_of_apple_there_is_no_touchpoint() -> None:
    assert install().adservices is None
    assert install(adservices={"attribution": False, "campaign_id": 7}).adservices is None


def test_a_claim_is_a_click_of_apple_search_ads_under_its_own_names() -> None:
    found = claimed(campaign_id=7, ad_group_id=8, ad_id=9, click_time=NOON - 60_000)
    assert (found.kind, found.time, found.ts) == (TouchKind.CLICK, NOON - 60_000, NOON + 5)
    assert (found.media_source, found.campaign_id, found.adset_id, found.ad_id) == (
        APPLE_SEARCH_ADS, "7", "8", "9",
    )  # fmt: skip
    assert found.event_id == "adservices i1"


def test_the_number_zero_is_a_name_too() -> None:
    assert claimed(campaign_id=0).campaign_id == "0"


def test_a_claimed_impression_is_a_view_by_the_time_of_the_impression() -> None:
    found = claimed(claim_type="Impression", impression_time=NOON - 5, click_time=NOON - 9)
    assert (found.kind, found.time) == (TouchKind.IMPRESSION, NOON - 5)


def test_without_the_user_s_permission_the_time_is_unknown_which_is_zero() -> None:
    assert claimed(claim_type="Click").time == 0
    assert claimed(claim_type="Impression").time == 0


@pytest.mark.parametrize(
    ("conversion_type", "expected"), [("Download", False), ("Redownload", True), (None, False)]
)
def test_who_downloads_again_was_won_back(conversion_type: str | None, expected: bool) -> None:
    assert claimed(conversion_type=conversion_type).is_retargeting is expected


# --- activity -------------------------------------------------------------------------------------


def test_sessions_and_events_are_told_apart() -> None:
    visit = msgspec.convert(event("session", install_id="i1", session_id="s"), Session)
    level = msgspec.convert(event("in_app_event", install_id="i1", name="session"), InAppEvent)
    assert activity_seen(visit, SOURCE, LogMs(NOON + 5)).is_session
    found = activity_seen(level, SOURCE, LogMs(NOON + 5))
    assert (found.name, found.is_session) == ("session", False)
    assert (found.time, found.ts, found.source) == (NOON, NOON + 5, SOURCE)
