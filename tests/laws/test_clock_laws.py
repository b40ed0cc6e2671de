"""Laws of event times: what corrects a wrong clock, and what never touches a right one."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.clocks import CLOCK_TOLERANCE_MS, ClockRules, at_right_time, corrected_time
from schemas.events import DeviceEvent, Install, Session, Touchpoint
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, EventMs, LogMs
from tests.oracle.phone_clocks import right_time
from tests.schemas.test_decode import EARLIEST, NOW

RULES = ClockRules(earliest_event_time=EventMs(EARLIEST))
AGE = RULES.sdk_event_age_ms_max
SOURCES = ("sdk", "s2s", "network", "store")
COMMON: dict[str, Any] = {"event_id": "e", "app_id": "app", "schema_version": 1}

moments = st.one_of(
    st.integers(NOW - 3 * MINUTE_MS, NOW + 3 * MINUTE_MS),
    st.sampled_from((NOW, NOW + CLOCK_TOLERANCE_MS, NOW + CLOCK_TOLERANCE_MS + 1)),
    st.sampled_from((0, EARLIEST - 1, EARLIEST, NOW - AGE - 1, NOW - AGE, 4_070_908_800_000)),
    st.integers(-DAY_MS, 2 * NOW),
)
seconds = st.none() | moments.map(lambda time: max(time // 1_000, 0))


@st.composite
def events(draw: st.DrawFn) -> DeviceEvent:
    reported = COMMON | {
        "event_time": EventMs(draw(moments)),
        "sent_time": draw(st.none() | moments),
        "source": draw(st.sampled_from(SOURCES)),
    }
    if draw(st.booleans()):
        return Session(**reported, install_id="i", session_id="s")
    return Install(
        **reported,
        install_id="i",
        install_begin_time_s=draw(seconds),
        install_begin_time_server_s=draw(seconds),
        referrer_click_time_s=draw(seconds),
        referrer_click_time_server_s=draw(seconds),
    )


def time_of(event: DeviceEvent, logged_at: int = NOW) -> int:
    return at_right_time(event, corrected_time(event, LogMs(logged_at), RULES)).event_time


@given(events())
def test_nothing_happens_after_it_was_logged(event: DeviceEvent) -> None:
    assert time_of(event) <= NOW + CLOCK_TOLERANCE_MS


@given(events())
def test_a_second_reading_finds_the_same_time_and_reason(event: DeviceEvent) -> None:
    corrected = corrected_time(event, LogMs(NOW), RULES)
    found = (corrected.time, corrected.reason) if corrected else (event.event_time, "")

    assert found == right_time(event, NOW, EARLIEST)


@given(events())
def test_a_corrected_time_needs_no_correction(event: DeviceEvent) -> None:
    corrected = corrected_time(event, LogMs(NOW), RULES)
    again = at_right_time(event, corrected)

    assert corrected is None or corrected_time(again, LogMs(NOW), RULES) is None


@given(events(), st.integers(0, 3 * DAY_MS))
def test_what_is_logged_later_never_counts_as_earlier(event: DeviceEvent, later: int) -> None:
    sent = event.sent_time
    assume(event.event_time >= NOW - 30 * DAY_MS)
    assume(sent is None or abs(sent - event.event_time) <= 7 * DAY_MS)
    logged = NOW - DAY_MS

    assert time_of(event, logged) <= time_of(event, logged + later) + CLOCK_TOLERANCE_MS


@given(events())
def test_a_time_is_corrected_only_for_a_reason_and_the_wrong_one_is_kept(
    event: DeviceEvent,
) -> None:
    corrected = corrected_time(event, LogMs(NOW), RULES)

    if corrected is not None:
        assert corrected.reason
        assert corrected.reported_time == event.event_time


@given(
    opened=st.integers(NOW - 700 * DAY_MS, NOW),
    waited=st.integers(0, 30 * DAY_MS),
    download=st.integers(1_000, HOUR_MS),
    has_sent_time=st.booleans(),
    source=st.sampled_from(SOURCES),
)
def test_a_right_clock_is_never_touched_however_late_its_event(
    opened: int, waited: int, download: int, has_sent_time: bool, source: str
) -> None:
    begun = (opened - download) // 1_000
    install = Install(
        **COMMON,
        event_time=EventMs(opened),
        source=source,  # type: ignore[arg-type]  # One of the literals.
        install_id="i",
        sent_time=EventMs(opened + waited) if has_sent_time else None,
        install_begin_time_s=begun,
        install_begin_time_server_s=begun,
        referrer_click_time_server_s=begun - 60,
    )

    assert corrected_time(install, LogMs(opened + waited), RULES) is None


@given(st.sampled_from(("s2s", "network", "store", "sdk")), st.integers(0, AGE))
def test_a_backfill_is_never_moved(source: Any, age: int) -> None:
    """Yesterday's file and the history of years carry the log time of today."""
    old = EventMs(NOW - age)
    click = Touchpoint(
        **COMMON, event_time=old, source=source, touch_type="click", touch_id="c", media_source="m"
    )
    session = Session(**COMMON, event_time=old, source=source, install_id="i", session_id="s")

    assert corrected_time(click, LogMs(NOW), RULES) is None
    assert corrected_time(session, LogMs(NOW), RULES) is None


# --- phones with wrong clocks ---------------------------------------------------------------------

SKEWS = (-90_000, -HOUR_MS, -7 * HOUR_MS, -3 * DAY_MS, -400 * DAY_MS, -10 * 365 * DAY_MS, -NOW,
         90_000, 2 * HOUR_MS, 3 * DAY_MS, 73 * 365 * DAY_MS)  # fmt: skip


def right_bounds(begun: int, logged: int) -> tuple[int, int]:
    """Naive: between what the store saw and what the log saw, whatever the phone says."""
    return begun // 1_000 * 1_000, logged + CLOCK_TOLERANCE_MS


def test_thousands_of_skewed_installs_land_between_the_download_and_the_log() -> None:
    chance = random.Random(4)
    for number in range(4_000):
        skew = chance.choice(SKEWS) + chance.randrange(1_000)
        clicked = NOW - chance.randrange(DAY_MS)
        begun = clicked + chance.randrange(1_000, HOUR_MS)
        opened = begun + chance.randrange(5_000, HOUR_MS)
        sent = opened + chance.choice((0, 500, HOUR_MS))
        logged = sent + chance.randrange(50, 4_000)
        draw_of_fields = chance.random()
        install = Install(
            **COMMON,
            event_time=EventMs(max(opened + skew, -DAY_MS)),
            install_id=f"i{number}",
            sent_time=EventMs(max(sent + skew, -DAY_MS)) if draw_of_fields < 0.4 else None,
            install_begin_time_s=max((begun + skew) // 1_000, 0) if draw_of_fields > 0.3 else None,
            install_begin_time_server_s=begun // 1_000,
            referrer_click_time_server_s=clicked // 1_000,
        )

        found = time_of(install, logged)
        assert found == right_time(install, logged, EARLIEST)[0]
        earliest, latest = right_bounds(begun, logged)

        assert earliest <= found <= latest
        is_measured = install.sent_time is not None or install.install_begin_time_s
        was_wrong = not earliest <= install.event_time <= latest
        if is_measured and was_wrong and abs(skew) < 9 * 365 * DAY_MS:
            assert abs(found - opened) <= max(5_000, logged - sent) + 1_000


def test_money_and_activity_of_a_clock_that_was_never_set_count_when_they_were_logged() -> None:
    for year_2015_or_so in (0, -3_600_000, 1_430_000_000_000, 4_070_908_800_000):
        session = Session(
            **COMMON, event_time=EventMs(year_2015_or_so), install_id="i", session_id="s"
        )

        assert time_of(session) == NOW


def test_a_log_without_times_corrects_nothing() -> None:
    session = Session(**COMMON, event_time=EventMs(NOW), install_id="i", session_id="s")

    assert corrected_time(session, LogMs(0), RULES) is None
