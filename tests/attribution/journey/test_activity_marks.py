"""Marks of activity: one per day and one per name, in any order, however much an install does."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from attribution.journey.activity_marks import (
    NO_MARKS,
    ActiveDay,
    ActivityMarks,
    MarkFact,
    Milestone,
    mark_activity,
)
from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import ActivitySeen
from schemas.time import DAY_MS, HOUR_MS, EventMs
from tests.worlds.records import installed

RULES = Rules()
INSTALL = installed()


def activity(after_ms: int, name: str = "", event_id: str = "e") -> ActivitySeen:
    time = EventMs(INSTALL.time + after_ms)
    return ActivitySeen(
        install_id=INSTALL.install_id,
        event_id=event_id,
        name=name or "session",
        is_session=not name,
        time=time,
        ts=INSTALL.ts,
        source=(2, 0, 0),
    )


def marked(
    *seen: ActivitySeen, rules: Rules = RULES, marks: ActivityMarks = NO_MARKS
) -> tuple[ActivityMarks, list[MarkFact]]:
    facts: list[MarkFact] = []
    for one in seen:
        marks, found = mark_activity(marks, one, INSTALL, rules)
        facts += found
    return marks, facts


def days_of(facts: list[MarkFact]) -> list[tuple[int, int]]:
    """Day of life and date of every row, as the table has them."""
    days = [fact for fact in facts if isinstance(fact, ActiveDay)]
    return [(one.day_of_life, one.activity.time // DAY_MS) for one in days]


def firsts_of(facts: list[MarkFact]) -> dict[str, EventMs]:
    """As the view has them: the earliest row of each name."""
    firsts: dict[str, EventMs] = {}
    for fact in facts:
        if isinstance(fact, Milestone):
            name, time = fact.activity.name, fact.activity.time
            firsts[name] = min(firsts.get(name, time), time)
    return firsts


def test_a_day_is_told_once_however_often_somebody_plays() -> None:
    _, facts = marked(activity(0), activity(HOUR_MS), activity(DAY_MS), activity(DAY_MS + 1))
    assert {day for day, _ in days_of(facts)} == {0, 1}
    assert len({day for day, _ in days_of(facts)}) <= len(facts) <= 4


def test_a_day_of_life_that_touches_two_dates_has_a_row_for_each_that_was_active() -> None:
    until_midnight = DAY_MS - INSTALL.time % DAY_MS
    _, facts = marked(
        activity(until_midnight - 1), activity(until_midnight), activity(until_midnight + 1)
    )
    assert [day for day, _ in days_of(facts)] == [0, 0]
    assert len({date for _, date in days_of(facts)}) == 2


def test_activity_before_the_install_is_of_its_first_day() -> None:
    _, facts = marked(activity(-3 * DAY_MS))
    assert [day for day, _ in days_of(facts)] == [0]


def test_an_earlier_event_of_the_same_name_moves_the_milestone() -> None:
    _, facts = marked(
        activity(2 * HOUR_MS, "level_5"), activity(HOUR_MS, "level_5"), activity(9, "other")
    )
    assert firsts_of(facts) == {"level_5": INSTALL.time + HOUR_MS, "other": INSTALL.time + 9}


def test_names_and_days_beyond_their_bounds_are_counted_and_not_remembered() -> None:
    rules = Rules(milestones_per_install_max=2, active_days_max=3)
    marks, facts = marked(
        *(activity(number, f"e{number}") for number in range(5)),
        activity(3 * DAY_MS),
        activity(900 * DAY_MS),
        rules=rules,
    )
    assert facts.count(Evicted("milestones_per_install_max", 1)) == 3
    assert facts.count(Evicted("active_days_max", 1)) == 2
    assert (len(marks.firsts), len(marks.days)) == (2, 1)


def test_a_whole_life_needs_few_bytes() -> None:
    life = [activity(day * DAY_MS, f"level_{day}") for day in range(RULES.active_days_max)]
    marks, _ = marked(*life)
    assert len(marks.days) == (2 * RULES.active_days_max + 7) // 8
    assert len(msgpack.encode(marks)) < 5_500


lives = st.lists(
    st.tuples(st.integers(-DAY_MS, 40 * DAY_MS), st.sampled_from(["", "a", "b", "c"])), max_size=60
)


@given(lives, st.randoms(use_true_random=False))
def test_rows_are_those_of_a_naive_count_in_any_order(
    life: list[tuple[int, str]], rng: random.Random
) -> None:
    events = [activity(after, name) for after, name in life]
    naive_days = {
        (max(one.time - INSTALL.time, 0) // DAY_MS, max(one.time, INSTALL.time) // DAY_MS)
        for one in events
    }
    naive_firsts = {
        name: min(one.time for one in events if one.name == name)
        for name in {one.name for one in events if not one.is_session}
    }
    rng.shuffle(events)
    stored, half = NO_MARKS, len(events) // 2
    stored, before = marked(*events[:half])
    stored = msgpack.decode(msgpack.encode(stored), type=ActivityMarks)
    stored, after = marked(*events[half:], marks=stored)

    reported = [
        (day, max(date, INSTALL.time // DAY_MS)) for day, date in days_of([*before, *after])
    ]
    assert sorted(reported) == sorted(naive_days)
    assert firsts_of([*before, *after]) == naive_firsts
    assert mark_activity(stored, events[0], INSTALL, RULES) == (stored, []) if events else True
