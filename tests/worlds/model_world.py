"""Installs with a true probability of paying, and what they do, for tests of the models."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from online_models.features.features import InstallCredit, InstallFacts
from online_models.hazard.encoding import Encoder
from online_models.hazard.rules import HazardRules
from online_models.scoring import prospects
from online_models.scoring.labels import LabelSchedule
from online_models.scoring.landmark_scores import (
    LandmarkVisit,
    ScoringModels,
    next_landmark_due,
    reach_landmark,
)
from online_models.scoring.prospects import Prospect
from online_models.scoring.tiers import TargetModels
from online_models.targets.targets import DEFAULT_TARGETS, Targets
from schemas.records import ActivitySeen, Example, Money, MoneyKind
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs

EPOCH = 1_790_000_000_000
SOURCES = {"meta": 0.4, "tiktok": -0.2, "unity": -0.6, "apple": 0.8, "": 0.0}
COUNTRIES = {"US": 0.5, "DE": 0.3, "BR": -0.3, "IN": -0.7, "JP": 0.6}


class Life(NamedTuple):
    """One install. `paid_at` 0: never within the horizon."""

    facts: InstallFacts
    credit: InstallCredit
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
    delay = min(int(chance.expovariate(1 / (1.5 * DAY_MS))), 7 * DAY_MS)
    platform = chance.choice(["android", "ios"])
    return Life(
        InstallFacts(f"i{number}", "app.one", installed_at, platform, country, "14.1"),
        InstallCredit(
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
        time=EventMs(time),
        ts=LogMs(time),
        source=(2, 0, 0),
        app_id="app",
    )


def constant_models(targets: Targets = DEFAULT_TARGETS) -> ScoringModels:
    """No model has been published yet."""
    rules = HazardRules()
    by_target = {one.name: TargetModels(one) for one in targets.hazards}
    encoder = Encoder(rules.slots, rules.seed)
    return ScoringModels(encoder, targets, LabelSchedule(targets), by_target)


def purchase(install_id: str, at: int, transaction: str = "t1", micros: int = 5_000_000) -> Money:
    return Money(
        f"app.one:{transaction}", transaction, MoneyKind.PURCHASE, "app.one", install_id, "",
        micros, "USD", "", EventMs(at), LogMs(at), (3, 0, 0),
    )  # fmt: skip


def seen(life: Life) -> Prospect:
    """The state once everything about an install has been seen."""
    installed_at, state = life.facts.installed_at, prospects.NEW_PROSPECT
    for activity in life.activities:
        state = prospects.note_activity(state, installed_at, activity, DEFAULT_TARGETS)
    if life.paid_at:
        money = purchase(life.facts.install_id, life.paid_at)
        state = prospects.note_money(state, installed_at, money, 1, DEFAULT_TARGETS)
    return state


def followed(life: Life, state: Prospect | None = None) -> Iterator[Example]:
    """What every bin of an install says, in the order in which the bins are due."""
    models, facts = _MODELS, life.facts
    state = seen(life) if state is None else state
    while True:
        due = next_landmark_due(state, facts.installed_at)
        if due and not 0 < state.release_due < due:
            moment = LandmarkVisit(facts, life.credit, state.next_landmark, due)
            state = reach_landmark(state, moment, models).state
        elif state.release_due:
            state, examples = models.releases.release(state, facts)
            yield from examples
        else:
            return


def examples(count: int, seed: int, target: str = "payer") -> list[Example]:
    """Of one target, in the order in which they mature."""
    found = [
        example
        for life in lives(count, seed)
        for example in followed(life)
        if example.target == target
    ]
    return sorted(found, key=lambda example: example.matured_at)


_MODELS = constant_models()
