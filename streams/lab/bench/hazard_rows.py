"""Simulated installs to measure models with: features as in live traffic, outcomes bin by bin.

Whether and when an install pays depends on where it came from, on an interest that shows only in
its activity, and on luck: lognormal delays, not the hazards of the model.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from online_models.features.features import (
    ActivityTally,
    InstallCredit,
    InstallFacts,
    bucket_of,
    count,
    features_at,
)
from online_models.hazard.bins import PAYER, bin_outcomes
from online_models.hazard.model import HazardRow
from online_models.scoring.landmarks import LANDMARKS
from schemas.time import DAY_MS, HOUR_MS

EPOCH_MS = 1_767_225_600_000  # 2026-01-01
INSTALLS_PER_DAY = 150
ROWS_OF_INSTALL = 25
DAYS_UNTIL_LAST_BIN = 30
CAMPAIGNS, SITES = 60, 400
_SOURCES = ("meta", "google", "tiktok", "unity", "applovin", "organic")
_COUNTRIES = ("US", "DE", "BR", "IN", "JP", "GB", "FR", "MX")
_EVENTS = ("session", "level_up", "tutorial_done", "add_to_cart")
_FEATURES_OF = {
    number: [known.name for known in LANDMARKS].index(landmark.name)
    for number, landmark in enumerate(PAYER.landmarks)
    if landmark.name in {known.name for known in LANDMARKS}
}
"""Number of a landmark in the model and in the features, where both have it."""


_Due = tuple[int, str, HazardRow]
"""When a row's outcome is known, of which install, and the row."""


class _World(NamedTuple):
    """Hidden effects on the log odds of paying, and on how soon."""

    source: dict[str, float]
    country: dict[str, float]
    campaign: list[float]
    pace: list[float]


def hazard_rows(rows: int, seed: int) -> list[HazardRow]:
    """`rows` rows in the order in which their outcomes become known, while installs continue."""
    chance = random.Random(seed)
    world = _world(chance)
    known: list[HazardRow] = []
    waiting: list[_Due] = []
    # Of the last month's installs not all bins are over by the time the rows are enough.
    installs = rows // ROWS_OF_INSTALL + INSTALLS_PER_DAY * DAYS_UNTIL_LAST_BIN
    for number in range(installs):
        installed_at = EPOCH_MS + number * DAY_MS // INSTALLS_PER_DAY
        if number % INSTALLS_PER_DAY == 0:
            # No later install can come before these: a few rows do not need a month of installs.
            known += _in_order(row for row in waiting if row[0] < installed_at)
            if len(known) >= rows:
                return known[:rows]
            waiting = [row for row in waiting if row[0] >= installed_at]
        waiting.extend(_rows_of(chance, world, f"i{number}", installed_at))
    return (known + _in_order(waiting))[:rows]


def _in_order(due: Iterable[_Due]) -> list[HazardRow]:
    return [row for _, _, row in sorted(due, key=lambda one: one[:2])]


def _world(chance: random.Random) -> _World:
    return _World(
        {source: chance.gauss(0, 0.5) for source in _SOURCES},
        {country: chance.gauss(0, 0.5) for country in _COUNTRIES},
        [chance.gauss(0, 0.5) for _ in range(CAMPAIGNS)],
        [chance.gauss(0, 0.4) for _ in range(CAMPAIGNS)],
    )


def _rows_of(
    chance: random.Random, world: _World, install_id: str, installed_at: int
) -> Iterator[_Due]:
    campaign = min(int(chance.expovariate(0.07)), CAMPAIGNS - 1)
    source, country = _SOURCES[campaign % len(_SOURCES)], chance.choice(_COUNTRIES)
    platform = chance.choice(("android", "ios"))
    interest = chance.gauss(0, 1)
    facts = InstallFacts(
        install_id, "app.one", installed_at, platform, country, str(chance.randint(9, 17))
    )
    credit = InstallCredit(
        source,
        f"{source}-{campaign}",
        f"site-{int(chance.expovariate(20 / SITES))}",
        "click_id",
        "click",
        int(chance.expovariate(1 / 600)),
    )
    tally = _tally(chance, interest)
    pull = world.source[source] + world.country[country] + world.campaign[campaign]
    paid_after = _paid_after(chance, -3.0 + pull + 0.9 * interest, world.pace[campaign] - interest)
    for landmark, known in _FEATURES_OF.items():
        features = features_at(known, facts, credit, tally)
        for bin_, label, due_after in bin_outcomes(PAYER, landmark, paid_after):
            row = HazardRow(features, landmark, bin_, label, platform, install_id)
            yield installed_at + due_after, install_id, row


def _tally(chance: random.Random, interest: float) -> ActivityTally:
    tally = ActivityTally()
    for _ in range(int(math.exp(max(0.0, 1.0 + 0.6 * interest + chance.gauss(0, 0.5))))):
        bucket = bucket_of(int(chance.expovariate(1 / (6 * HOUR_MS))))
        if bucket < len(LANDMARKS) - 1:
            name = chance.choice(_EVENTS)
            tally = count(tally, bucket, name, name == "session")
    return tally


def _paid_after(chance: random.Random, log_odds: float, pace: float) -> int | None:
    if chance.random() >= 1 / (1 + math.exp(-log_odds)):
        return None
    delay = int(1.5 * DAY_MS * math.exp(0.4 * pace + 1.2 * chance.gauss(0, 1)))
    return delay if delay < DAYS_UNTIL_LAST_BIN * DAY_MS else None
