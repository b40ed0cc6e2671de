"""Lives of one install id: which first opens are conversions, and what they follow, in any order
of arrival, as a naive reading of all of them at once says."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.records import NOT_ASKED, Candidates, Installed, JourneyRecord, Signal
from schemas.time import DAY_MS
from streams.stages.contract import Effects
from tests.worlds.clock import DAY, HOUR, at
from tests.worlds.records import RULES, click, installed, session, to_win_back
from tests.worlds.stage_world import Row, fed_journeys, rows, settled

WINDOW_DAYS = 90


def opened(name: str, days: float, device: int, *, evidence: int = 0) -> Installed:
    """A first open of `i1`; its evidence besides the device is its own unless said."""
    shown = [evidence or hash(name) % 10_000 + 100]
    minutes = days * DAY
    opening = hash((device, shown[0])) % 2**31 or 1
    first_open = installed(minutes, lookups=0)
    return replace(
        first_open, event_id=name, devices=[device], evidence=shown, opening=opening,
        source=(1, 0, int(minutes) % 2**31),
    )  # fmt: skip


def reported(records: Sequence[JourneyRecord]) -> list[Row]:
    """The last version of every conversion."""
    last: dict[str, Row] = {}
    for row in rows(fed_journeys(RULES).journeys(*records), "attributions"):
        last[row["conversion_id"]] = row
    return list(last.values())


def decided(records: Sequence[Installed]) -> dict[str, tuple[str, str]]:
    """Conversion type and event of the life before, by event of the first open."""
    found = reported(records)
    events = {row["conversion_id"]: row["event_id"] for row in found}
    return {
        row["event_id"]: (row["conversion_type"], events.get(row["prior_install_id"], ""))
        for row in found
    }


def read_naively(lives: Sequence[Installed]) -> dict[str, tuple[str, str]]:
    answer: dict[str, tuple[str, str]] = {}
    for one in lives:
        before = [
            other
            for other in lives
            if other.time < one.time <= other.time + WINDOW_DAYS * DAY * 60_000
            and other.devices == one.devices
        ]
        latest = max(before, key=lambda other: other.time, default=None)
        answer[one.event_id] = ("reinstall", latest.event_id) if latest else ("install", "")
    return answer


@st.composite
def real_lives(draw: st.DrawFn) -> list[Installed]:
    days = draw(st.lists(st.integers(0, 300), min_size=1, max_size=5, unique=True))
    return [opened(f"e{number}", day, draw(st.integers(1, 2))) for number, day in enumerate(days)]


@given(real_lives(), st.randoms(use_true_random=False))
def test_lives_are_those_of_a_naive_reading_in_any_order(
    lives: list[Installed], shuffled: object
) -> None:
    order = list(lives) + [one for one in lives if one.time % 2]  # some are sent twice
    shuffled.shuffle(order)  # type: ignore[attr-defined]  # A random.Random.
    assert decided(order) == read_naively(lives)


def test_a_repeat_that_names_another_click_changes_nothing_and_no_candidate() -> None:
    first = opened("e0", 0, 1)
    again = replace(first, evidence=[7], opening=8)  # the same event
    named = Candidates("i1", Signal.CLICK_ID, 0, [click("c", -5)], [], "app", opening=8)
    (row,) = reported([first, again, named])
    assert (row["status"], row["candidates"]) == ("organic", "[]")


def test_a_first_open_within_the_hour_is_a_repeat_and_after_it_a_life() -> None:
    first = opened("e0", 0, 1)
    limit = RULES.second_life_after_ms
    for after, lives in ((limit - 1, 1), (limit, 2)):
        again = replace(opened("e1", 0, 2), time=at(0) + after)
        assert len(reported([first, again])) == lives
        assert len(reported([again, first])) == lives


def test_nothing_new_in_the_evidence_is_a_repeat_however_much_later() -> None:
    first = opened("e0", 0, 1, evidence=5)
    assert len(reported([first, opened("e1", 200, 1, evidence=5)])) == 1


def test_new_evidence_is_what_the_later_first_open_shows_whichever_is_logged_first() -> None:
    first, later = opened("e0", 0, 1, evidence=5), opened("e1", 200, 1, evidence=6)
    later = replace(later, evidence=[5, 6])
    assert len(reported([first, later])) == len(reported([later, first])) == 2


def test_the_answer_to_a_later_first_open_is_for_that_life_alone() -> None:
    first, later = opened("e0", 0, 1), replace(opened("e1", 100, 2), lookups=1)
    touch = click("c", 100 * DAY - HOUR)
    found = Candidates("i1", Signal.DEVICE_ID, 0, [touch], [], "app", opening=later.opening)
    sources = {row["event_id"]: row["media_source"] for row in reported([first, later, found])}
    assert sources == {"e0": "organic", "e1": touch.media_source}


def test_one_more_life_than_is_kept_is_no_conversion_and_is_counted() -> None:
    limit = RULES.lives_per_install_max
    stage = fed_journeys(RULES)
    effects = stage.journeys(*(opened(f"e{n}", n, n + 1) for n in range(limit + 1)))
    assert len(rows(effects, "attributions")) == limit


LOGGED = 330 * DAY
activities = st.lists(st.tuples(st.integers(-20, 320), st.booleans()), max_size=12, unique=True)


@given(real_lives(), activities, st.randoms(use_true_random=False))
def test_activity_is_that_of_the_life_in_which_it_happened(
    lives: list[Installed], active: list[tuple[int, bool]], shuffled: object
) -> None:
    """A naive reading: of the latest first open until then, else of the earliest one."""
    shuffled.shuffle(lives)  # type: ignore[attr-defined]  # A random.Random.
    sent = [
        replace(
            session(f"s{n}", day * DAY + HOUR, ts=330 * DAY), is_session=is_session, name="level_up"
        )
        for n, (day, is_session) in enumerate(active)
    ]
    sent += sent[: len(sent) // 2]  # some are sent twice
    effects = fed_journeys(RULES).journeys(*lives, *sent)
    events = {row["conversion_id"]: row["event_id"] for row in rows(effects, "attributions")}
    assert {
        (events[row["conversion_id"]], row["day_of_life"], row["event_time"])
        for row in rows(effects, "active-days")
    } <= {day_read_naively(lives, one.time) for one in sent}
    assert {
        (events[row["conversion_id"]], row["day_of_life"]) for row in rows(effects, "active-days")
    } == {day_read_naively(lives, one.time)[:2] for one in sent}
    firsts: dict[str, int] = {}
    for row in rows(effects, "milestones"):
        name = events[row["conversion_id"]]
        firsts[name] = min(firsts.get(name, row["event_time"]), row["event_time"])
    expected: dict[str, int] = {}
    for one in sent:
        if not one.is_session:
            name = day_read_naively(lives, one.time)[0]
            expected[name] = min(expected.get(name, one.time), one.time)
    assert firsts == expected
    assert sum(n for _, fate, n in fates(effects) if fate == "decided") == len(active) + len(lives)


def day_read_naively(lives: Sequence[Installed], time: int) -> tuple[str, int, int]:
    begun = [life for life in lives if life.time <= time]
    own = (
        max(begun, key=lambda life: life.time) if begun else min(lives, key=lambda life: life.time)
    )
    return own.event_id, max(time - own.time, 0) // DAY_MS, time


def fates(effects: Effects) -> list[tuple[str, str, int]]:
    return [(topic, fate, len(offsets)) for topic, fate, offsets in settled(effects)]


def test_a_user_of_the_second_life_is_won_back_by_a_session_that_names_the_install_alone() -> None:
    first, later = opened("e0", 0, 1), opened("e1", 100, 2)
    touch = to_win_back(click("c", 120 * DAY))
    found = Candidates("i1", Signal.DEVICE_ID, 0, [touch], [], "app", opening=later.opening)
    back = session("s1", 120 * DAY + HOUR)
    found = replace(found, ordinal=NOT_ASKED)
    found_rows = reported([first, later, session("s0", 101 * DAY), found, back])
    assert [row["status"] for row in found_rows if row["conversion_type"] == "reengagement"] == [
        "reengaged"
    ]


def test_a_repeat_of_activity_that_was_read_before_its_life_is_not_counted_there_again() -> None:
    stage, active = fed_journeys(RULES), session("s1", 101 * DAY)
    stage.journeys(opened("e0", 0, 1), active)
    effects = stage.journeys(opened("e1", 100, 2), active)
    assert rows(effects, "active-days") == []
    assert [fate for _, fate, _ in settled(effects)] == ["decided", "duplicate"]
