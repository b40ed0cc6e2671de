"""Sums of chances carry an interval from what earlier sums of like size missed by."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import pytest

from schemas.outcomes import Outcome
from schemas.time import DAY_MS
from streams.store.base import Store
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, prediction

pytest.importorskip("chdb")

DAYS = 44
CAMPAIGNS = ("spring", "summer")
CHANGED = 41
"""From this day on everybody pays at once."""


class Install(NamedTuple):
    """One install of this world."""

    day: int
    campaign: str
    chance: float
    paid_after_d: float  # infinite: never


def installs() -> list[Install]:
    rng = Random(7)
    made = []
    for day in range(DAYS):
        for number in range(10):
            chance = rng.choice([0.1, 0.2, 0.4])
            pays = day >= CHANGED or rng.random() < chance
            after = rng.choice([0.2, 0.9, 3.0, 6.9]) if pays and day < CHANGED else 0.1
            late = math.inf if rng.random() < 0.7 else 9.0
            made.append(Install(day, CAMPAIGNS[number % 2], chance, after if pays else late))
    return made


def rows(world: list[Install]) -> Iterator[Outcome]:
    for number, one in enumerate(world):
        name, at = f"i{number}", NOON + one.day * DAY_MS
        times: dict[str, Any] = {"install_time": at, "conversion_time": at}
        yield decision(name, campaign_id=one.campaign, **times)
        yield prediction(name, probability=one.chance, landmark_time=at, predicted_at=at)
        if one.paid_after_d < math.inf:
            paid_at = at + int(one.paid_after_d * DAY_MS)
            yield booking(f"m{number}", name, event_time=paid_at, install_time=at)


class Cohort(NamedTuple):
    """What a naive reader adds up."""

    day: int
    likely: float
    unit: float
    size: int
    members: int
    paying: int
    early: int


def cohorts(world: list[Install], campaign: str = "") -> list[Cohort]:
    found = []
    for day in range(DAYS):
        own = [one for one in world if one.day == day and campaign in ("", one.campaign)]
        likely = sum(one.chance for one in own)
        scatter = sum(one.chance * (1 - one.chance) for one in own)
        found.append(
            Cohort(
                day=day,
                likely=likely,
                unit=math.sqrt(scatter + (0.1 * likely) ** 2),
                size=math.floor(math.log2(max(likely, 0.25))),
                members=len(own),
                paying=sum(one.paid_after_d <= 7 for one in own),
                early=sum(one.paid_after_d <= 1 for one in own),
            )
        )
    return found


def interval(day: int, own: list[Cohort], alike: list[Cohort], of_app: list[Cohort]) -> list[Any]:
    """Of the cohort of a day: low, high, cohorts behind it, whether it is after a change."""
    it = own[day]
    before = [one for one in of_app if day - 35 <= one.day <= day - 8]
    # The latest prediction is of noon on the last day.
    late = [one for one in of_app if day - 3 <= one.day < day and one.day + 2 < DAYS]
    like = [one for one in alike if day - 35 <= one.day <= day - 8 and one.size == it.size]
    missed = sorted(abs(one.paying - one.likely) / one.unit for one in like)
    reach = missed[int(len(missed) * 0.8)] if len(missed) >= 20 else 1.2816
    gap = 0.0
    if len(before) >= 7:
        share = sum(one.early for one in before) / sum(one.likely for one in before)
        expected = share * sum(one.likely for one in late)
        excess = sum(one.early for one in late) - expected
        missed_by = [(one.early - share * one.likely) ** 2 / (share * one.likely) for one in before]
        scatter = expected * max(sum(missed_by) / len(before), 1.0)
        if expected >= 3 and abs(excess) > 1.64 * math.sqrt(scatter):
            gap = it.likely * excess / expected
    width = reach * math.hypot(it.unit, gap)
    ends = [max(it.likely - width, 0.0), min(it.likely + width, it.members)]
    return [*map(pytest.approx, ends), len(like), gap != 0.0]


def test_intervals_are_those_of_a_naive_reader_who_knows_what_was_known_on_that_day(
    store: Store,
) -> None:
    world = installs()
    put(store, rows(world))
    found = store.query(
        "SELECT grain, campaign_id, toInt64(day - toDate('2026-01-01')), predicted_low, "
        "predicted_high, cohorts, is_after_change, payers FROM v_predicted_payers"
    )
    seen = {(str(row[0]), str(row[1]), int(row[2])): [*row[3:]] for row in found.rows}
    of_app = cohorts(world)
    by_campaign = {name: cohorts(world, name) for name in CAMPAIGNS}
    alike = [one for of_campaign in by_campaign.values() for one in of_campaign]
    for day in range(DAYS):
        app = interval(day, of_app, of_app, of_app)
        assert seen["app", "", day] == [*app, of_app[day].paying]
        for name, own in by_campaign.items():
            assert seen["campaign", name, day] == [
                *interval(day, own, alike, of_app), own[day].paying,
            ]  # fmt: skip
    assert [seen["app", "", day][3] for day in (CHANGED - 1, DAYS - 1)] == [False, True]
    assert max(one[2] for one in seen.values()) >= 20


def test_what_became_known_later_moves_no_interval(store: Store) -> None:
    world = installs()
    earlier = [one for one in world if one.day <= 40]
    intervals = (
        "SELECT grain, campaign_id, day, predicted_low, predicted_high FROM v_predicted_payers "
        "WHERE day <= '2026-02-09' ORDER BY ALL"  # The last day is not over yet.
    )
    put(store, rows(earlier))
    before = store.query(intervals).rows
    put(store, rows(world), first_offset=10_000)
    assert store.query(intervals).rows == before
