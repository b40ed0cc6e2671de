"""What is remembered of a site: counts by hour and day, installs by click-to-install time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.matching.facts import Evicted
from attribution.sites.complete_days import (
    SiteDays,
    completed_at,
    count_day_install,
    count_day_touches,
)
from attribution.sites.history import (
    HOURS_KEPT,
    INSTALLS_PER_SITE_HOUR_MAX,
    RETENTION_MS,
    WINDOW_DAYS,
    HourOfInstalls,
    SiteHistory,
    TouchTally,
    aged,
    clicks,
    count_install,
    count_touches,
    devices,
    first_judged_hour,
    keep_install,
    recent,
    site_state_expires_at,
)
from attribution.sites.mixture import cell_of
from schemas.time import DAY_MS, HOUR_MS, LogMs, Millis
from tests.worlds.site_world import DAY, MIDNIGHT, claim, shown

CELL = cell_of(Millis(300_000), None)


def claimed(*hours: float) -> SiteHistory:
    history = SiteHistory()
    for number, hour in enumerate(hours):
        history = count_install(history, claim(f"i{number}", hour), LogMs(MIDNIGHT))
    return history


def test_touches_add_up_by_hour_in_any_order() -> None:
    history = SiteHistory()
    for hour in (3, 1, 3, 2):
        history = count_touches(history, shown(hour, clicks=2, impressions=5))
    assert history.hours == [
        TouchTally(DAY * 24 + 1, 2, 5),
        TouchTally(DAY * 24 + 2, 2, 5),
        TouchTally(DAY * 24 + 3, 4, 10),
    ]


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=30))
def test_open_days_are_a_plain_count_in_any_order(seen: list[tuple[int, bool]]) -> None:
    days = SiteDays()
    for number, (day, is_install) in enumerate(seen):
        if is_install:
            days = count_day_install(days, claim(f"i{number}", 24 * day))
        else:
            days = count_day_touches(days, replace(shown(0, 2, 5), day=DAY + day))
    counted: dict[int, list[int]] = {}
    for day, is_install in seen:
        count = counted.setdefault(DAY + day, [0, 0, 0])
        for place, by in enumerate((0, 0, 1) if is_install else (2, 5, 0)):
            count[place] += by
    found = [(one.day, [one.clicks, one.impressions, one.installs]) for one in days.open]
    assert found == sorted(counted.items())


def test_hours_become_days_and_days_are_forgotten_after_the_window() -> None:
    history = SiteHistory()
    for hour in range(24 * 20):
        history = count_touches(history, shown(hour))
    assert len(history.hours) == HOURS_KEPT
    assert len(history.shown_days) < WINDOW_DAYS
    assert clicks(history) == 24 * WINDOW_DAYS


def test_claims_are_counted_by_day_and_taken_back_where_they_were() -> None:
    history = claimed(1, 2, 25)
    assert [(one.day, one.installs, one.cells) for one in history.days] == [
        (DAY, 2, {CELL: 2}),
        (DAY + 1, 1, {CELL: 1}),
    ]
    history = count_install(history, claim("i0", 1, sign=-1), LogMs(MIDNIGHT))
    assert recent(history) == {CELL: 2}
    assert history.fresh == {CELL: 2}
    assert history.claimed == 2


def test_new_devices_are_counted_beside_installs() -> None:
    history = count_install(SiteHistory(), claim("i0", is_new_device=True), LogMs(MIDNIGHT))
    history = count_install(history, claim("i1"), LogMs(MIDNIGHT))
    assert devices(history) == (2, 1)
    history = count_install(history, claim("i0", is_new_device=True, sign=-1), LogMs(MIDNIGHT))
    assert devices(history) == (1, 0)


def test_days_beyond_the_window_fade_into_the_past() -> None:
    history = claimed(0, 24)
    assert aged(history, DAY + WINDOW_DAYS - 1) is history
    older = aged(history, DAY + WINDOW_DAYS)
    assert recent(older) == {CELL: 1}
    assert older.past == {CELL: 1.0}
    oldest = aged(older, DAY + WINDOW_DAYS + 1)
    assert recent(oldest) == {}
    assert 1.9 < oldest.past[CELL] < 2.0


@pytest.mark.parametrize(("now_ms", "judge_at_hour"), [(0, 1), (HOUR_MS - 1, 1), (HOUR_MS, 2)])
def test_a_claim_is_judged_at_the_next_full_hour(now_ms: int, judge_at_hour: int) -> None:
    history = count_install(SiteHistory(), claim("i0"), LogMs(MIDNIGHT + now_ms))
    assert history.judge_at == LogMs(MIDNIGHT + judge_at_hour * HOUR_MS)
    later = count_install(history, claim("i1", 5), LogMs(MIDNIGHT + 5 * HOUR_MS))
    assert later.judge_at == history.judge_at


def test_installs_are_kept_by_hour_but_for_those_that_were_rejected() -> None:
    hour, _ = keep_install(None, claim("i0", 3))
    hour, _ = keep_install(hour, claim("i1", 3.5, is_rejected=True))
    hour, _ = keep_install(hour, claim("i2", 3.9))
    assert hour.hour == DAY * 24 + 3
    assert [one.install_id for one in hour.installs] == ["i0", "i2"]
    hour, _ = keep_install(hour, claim("i0", 3, sign=-1))
    assert [one.install_id for one in hour.installs] == ["i2"]


def test_an_hour_holds_so_many_installs_and_says_when_there_were_more() -> None:
    hour: HourOfInstalls | None = None
    for number in range(INSTALLS_PER_SITE_HOUR_MAX):
        hour, facts = keep_install(hour, claim(f"i{number}"))
        assert not facts
    assert hour is not None
    full, facts = keep_install(hour, claim("one more"))
    assert full is hour
    assert facts == [Evicted("installs_per_site_hour_max", 1)]


def test_state_is_useless_when_it_can_be_judged_no_more() -> None:
    hour, _ = keep_install(None, claim("i0", 30))
    forgotten_at = site_state_expires_at(hour)
    judged_last = completed_at(DAY + 1 + WINDOW_DAYS - 1, Millis(7 * DAY_MS))
    assert first_judged_hour(judged_last) > hour.hour  # only complete days concern it by then
    assert judged_last < forgotten_at <= judged_last + 2 * DAY_MS
    assert site_state_expires_at(claimed(5)) == LogMs(MIDNIGHT + 5 * HOUR_MS + RETENTION_MS)
