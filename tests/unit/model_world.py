"""Installs with a true probability of paying, and what they do, for tests of the models."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from online_models import labels
from online_models.fallback import Tiers
from online_models.features import Credit, InstallFacts
from online_models.landmarks import DAY_MS, HORIZON_MS, HOUR_MS, matures_at
from schemas.records import ActivitySeen, Example

EPOCH = 1_790_000_000_000
SOURCES = {"meta": 0.4, "tiktok": -0.2, "unity": -0.6, "apple": 0.8, "": 0.0}
COUNTRIES = {"US": 0.5, "DE": 0.3, "BR": -0.3, "IN": -0.7, "JP": 0.6}


class Life(NamedTuple):
    """One install. `paid_at` 0: never within the horizon."""

    facts: InstallFacts
    credit: Credit
    activities: list[ActivitySeen]
    paid_at: int


def lives(count: int, seed: int, days: int = 30) -> Iterator[Life]:
    """Installs spread evenly over `days`, in order of install time."""
    chance = random.Random(seed)
    for number in range(count):
        yield _life(chance, number, EPOCH + number * days * DAY_MS // count)


def _life(chance: random.Random, number: int, installed_at: int) -> Life:
    source, country = chance.choice(list(SOURCES)), chance.choice(list(COUNTRIES))
    campaign = min(int(chance.expovariate(0.3)), 19) if source else 0
    interest = chance.gauss(0, 1)
    log_odds = -3.4 + SOURCES[source] + COUNTRIES[country] + 0.8 * interest + 0.05 * campaign
    pays = chance.random() < 1 / (1 + math.exp(-log_odds))
    delay = min(int(chance.expovariate(1 / (1.5 * DAY_MS))), HORIZON_MS)
    platform = chance.choice(["android", "ios"])
    return Life(
        InstallFacts(f"i{number}", "app.one", installed_at, platform, country, "14.1"),
        Credit(
            source or "organic",
            f"{source}-{campaign}" if source else "",
            f"site-{int(chance.expovariate(0.02))}" if source else "",
            "click_id" if source else "none",
            "click" if source else "",
            int(chance.expovariate(1 / 600)) if source else -1,
        ),
        [
            _activity(chance, f"i{number}", installed_at)
            for _ in range(int(math.exp(max(0.0, 0.8 + 0.6 * interest))))
        ],
        installed_at + delay if pays else 0,
    )


def _activity(chance: random.Random, install_id: str, installed_at: int) -> ActivitySeen:
    time = installed_at + int(chance.expovariate(1 / (6 * HOUR_MS)))
    name = chance.choice(["session", "level_up", "tutorial_done", "add_to_cart"])
    return ActivitySeen(
        install_id=install_id,
        event_id=f"{install_id}-{chance.random()}",
        name=name,
        is_session=name == "session",
        time=time,
        ts=time,
        source=(2, 0, 0),
    )


def seen(life: Life) -> labels.PayerState:
    """The state once everything about an install has been seen."""
    installed_at = life.facts.installed_at
    state = labels.NEW
    for activity in life.activities:
        state = labels.see_activity(state, installed_at, activity)
    if life.paid_at:
        state, _ = labels.see_payment(state, installed_at, life.paid_at, life.paid_at)
    return state


def examples(count: int, seed: int) -> list[Example]:
    """Labelled examples in the order in which they mature."""
    tiers = Tiers(prior=0.05)
    return [
        example
        for life in lives(count, seed)
        for example in labels.reach(
            seen(life), life.facts, life.credit, matures_at(life.facts.installed_at), tiers
        ).examples
    ]
