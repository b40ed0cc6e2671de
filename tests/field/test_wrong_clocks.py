"""Phones with wrong clocks, through replay: none loses what paid for it, in whatever order."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from attribution.journey import Journey
from attribution.journey.steps import advance
from schemas.clocks import at_right_time, corrected_time
from schemas.events import Install, Touchpoint
from schemas.records import Candidates, Flag, Installed, JourneyRecord, Signal
from schemas.time import EventMs, LogMs
from streams.stages.intake.stage_records import installed, installed_at_right_time, touch_seen
from tests.field.test_dumps_and_money import CASES, event, replayed, written
from tests.laws.test_clock_laws import COMMON, RULES
from tests.worlds.records import RULES as WATERFALL

T = 1_790_000_000_000
ATTRIBUTED = (
    "SELECT install_id, status, media_source, toString(toDate(install_time)), time_correction"
    " FROM v_attributions WHERE app_id != 'tick' ORDER BY install_id"
)


def test_a_slow_an_ancient_and_a_fast_phone_keep_the_network_that_paid(tmp_path: Path) -> None:
    case = CASES / "cases" / "clock-skew-loses-paid-install.jsonl"

    _, (rows,) = replayed(tmp_path, case, ATTRIBUTED)

    assert rows == [
        ("ahead-3d", "non_organic", "adnova", "2026-09-21", "ahead_of_log"),
        ("clock-2015", "non_organic", "adnova", "2026-09-21", "before_download"),
        ("slow-90s", "non_organic", "adnova", "2026-09-21", "before_download"),
    ]


def test_money_and_activity_of_a_clock_in_1970_are_kept_on_the_day_of_the_log(
    tmp_path: Path,
) -> None:
    who = {"install_id": "i", "event_time": 60_000}
    paid = {"transaction_id": "t", "amount_micros": 1_990_000, "currency": "USD"}
    records = [
        event("touchpoints", "touchpoint", T, event_id="c", touch_id="c", touch_type="click",
              media_source="adnova", event_time=4_070_908_800_000),
        event("installs", "install", T + 60_000, event_id="i", click_id="c", **who),
        event("activity", "session", T + 90_000, event_id="s", session_id="s", **who),
        event("payments", "purchase", T + 99_000, event_id="p", **who, **paid),
        event("costs", "cost", T + 10**9, event_id="k", date="2026-10-01", media_source="m",
              amount_micros=0, currency="USD"),
    ]  # fmt: skip

    _, (touches, installs, money, dead) = replayed(
        tmp_path,
        written(tmp_path, records),
        "SELECT toUnixTimestamp64Milli(event_time), time_correction FROM touches",
        "SELECT media_source, toUnixTimestamp64Milli(install_time), time_correction"
        " FROM v_attributions",
        "SELECT toUnixTimestamp64Milli(event_time), toUnixTimestamp64Milli(reported_time),"
        " time_correction FROM revenue",
        "SELECT count() FROM dead_letters",
    )

    assert touches == [(T, "ahead_of_log")]
    assert installs == [("adnova", T + 60_000, "impossible")]
    assert money == [(T + 99_000, 60_000, "impossible")]
    assert dead == [(0,)]


# --- one phone, decided in every order ------------------------------------------------------------


def phone(opened: int, logged: int, **fields: Any) -> Installed:
    first_open = Install(**COMMON, event_time=EventMs(opened), install_id="i", **fields)
    clock = corrected_time(first_open, LogMs(logged), RULES)
    reported = installed(first_open, (1, 0, 0), LogMs(logged), 1, [])
    return installed_at_right_time(reported, first_open, clock)


def answer(clicked: int, signal: Signal = Signal.REFERRER, *, is_retargeting: bool = False) -> Any:
    click = Touchpoint(
        **COMMON,
        event_time=EventMs(clicked),
        source="network",
        touch_type="click",
        touch_id="c",
        media_source="adnova",
        is_retargeting=is_retargeting,
    )
    clock = corrected_time(click, LogMs(clicked + 500), RULES)
    seen = touch_seen(at_right_time(click, clock), LogMs(clicked + 500), 0, [], clock)
    return Candidates("i", signal, 0, [seen])


def decided(records: list[JourneyRecord]) -> set[tuple[str, str]]:
    """Winner and rejection, over every order of arrival; one answer is expected."""
    answers = set()
    for order in permutations(records):
        journey = Journey()
        for record in order:
            journey, _ = advance(journey, record, WATERFALL)
        winner, *_, rejected = (journey.decided + "|||||").split("|")[:6]
        answers.add((winner, rejected))
    return answers


@pytest.mark.parametrize("signal", [Signal.REFERRER, Signal.CLICK_ID])
@pytest.mark.parametrize("slow", [1, 90_000, 7 * 3_600_000])
def test_a_click_that_the_install_names_is_never_too_young(signal: Signal, slow: int) -> None:
    install = phone(T + 60_000 - slow, T + 65_000)
    for is_retargeting in (False, True):
        click = answer(T, signal, is_retargeting=is_retargeting)
        assert decided([install, click]) == {(f"{signal.value}:e", "")}


def test_a_click_found_by_the_device_alone_may_be_too_young() -> None:
    assert decided([phone(T - 1, T + 5_000), answer(T, Signal.DEVICE_ID)]) == {("", "")}


@pytest.mark.parametrize("slow", [0, 90_000, 3 * 86_400_000])
def test_a_slow_phone_that_alone_stamps_its_download_injects_no_click(slow: int) -> None:
    """Clicked, 20 s later downloaded, opened after 40 more; the phone is slow throughout."""
    install = phone(
        T + 60_000 - slow, T + 65_000, install_begin_time_s=(T + 20_000 - slow) // 1_000
    )

    assert install.flags & Flag.DEVICE_CLOCK
    assert decided([install, answer(T)]) == {("0:e", "")}


@pytest.mark.parametrize("slow", [0, 50_000, 86_400_000])
def test_a_click_after_the_servers_saw_the_download_is_injected_whatever_the_phone_says(
    slow: int,
) -> None:
    install = phone(T + 60_000 - slow, T + 65_000, install_begin_time_server_s=T // 1_000)

    assert decided([install, answer(T + 30_000)]) == {("", "engagement_injection")}


def test_the_phone_alone_shows_an_injection_where_the_log_leaves_no_doubt() -> None:
    install = phone(T + 60_000, T + 61_000, install_begin_time_s=T // 1_000)

    assert decided([install, answer(T + 30_000)]) == {("", "engagement_injection")}
