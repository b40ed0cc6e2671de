"""Quiet days without alarms, and outages that are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streams.store.base import Store
from tests.quality.drawn_hours import HOURS_OF_PAST, drawn_app
from tests.quality.hours_store import HoursStore

QUIETEST = "BR"
"""The country with twenty payments an hour."""
RUNS_AT_A_TIME = 10
"""Runs that begin at the same minute, since one question has one now."""


def false_alarms(store: Store, rng: np.random.Generator, apps: int, days: int) -> list[int]:
    """Alarms of each app: issues of one part that follow each other within a day count once."""
    hours = HOURS_OF_PAST + days * 24
    table = HoursStore(store)
    table.fill(one for number in range(apps) for one in drawn_app(f"app{number}", rng, hours))
    counts = dict.fromkeys((f"app{number}" for number in range(apps)), 0)
    latest: dict[tuple[str, str, str], int] = {}
    for hour in range(HOURS_OF_PAST, hours):
        for issue in table.issues(hour):
            key = (issue.app, issue.check, issue.subject)
            if hour - latest.get(key, -10_000) > 24:
                counts[issue.app] += 1
            latest[key] = hour
    return list(counts.values())


def detection(
    store: Store, rng: np.random.Generator, runs: int, *, left: float, hours: int
) -> float:
    """Share of runs in which it is found so many hours after it began that of the payments of the
    quietest country only the share `left` comes. It begins at any minute."""
    found = 0
    for _ in range(0, runs, RUNS_AT_A_TIME):
        found += _found(HoursStore(store), rng, left, hours)
    return found / (runs // RUNS_AT_A_TIME * RUNS_AT_A_TIME)


def _found(table: HoursStore, rng: np.random.Generator, left: float, hours: int) -> int:
    begin = HOURS_OF_PAST + int(rng.integers(0, 168))
    minutes = int(rng.integers(0, 60))
    table.fill(
        replace(one, counts=_thinned(rng, one.counts, begin, minutes, left))
        if one.country == QUIETEST
        else one
        for number in range(RUNS_AT_A_TIME)
        for one in drawn_app(f"app{number}", rng, begin + hours + 1)
    )
    apps: set[str] = set()
    for passed in range(1, hours + 1):
        issues = table.issues(begin + passed, minutes)
        apps |= {issue.app for issue in issues if issue.subject == QUIETEST}
    return len(apps)


def _thinned(
    rng: np.random.Generator, counts: NDArray[np.int64], begin: int, minutes: int, left: float
) -> NDArray[np.int64]:
    kept = counts.copy()
    before = minutes / 60
    kept[begin] = rng.binomial(counts[begin], before + (1 - before) * left)
    kept[begin + 1 :] = rng.binomial(counts[begin + 1 :], left)
    return kept
