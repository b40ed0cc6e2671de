"""Simulated installs have the features that the product would have given them."""

from __future__ import annotations

import pytest
from msgspec import json

from online_models.features.carried import carried_features
from online_models.features.features import (
    ActivityBucket,
    ActivityTally,
    InstallCredit,
    InstallFacts,
    features_at,
)
from schemas import topics
from schemas.outcomes import Outcome
from streams.lab.evaluation.replay.decided_history import DecidedOutcomes
from streams.lab.evaluation.replay.world_features import WorldFeatures
from streams.lab.simulator.paying_worlds import PayingWorld, make_paying_world
from streams.lab.simulator.paying_worlds.lives import IN_APP_NAMES
from streams.replay.memory_log import MemoryRecord
from tests.worlds.stores.traffic_outcomes import features, prediction

INSTALLS = 200


FROZEN = {"app=puzzle": 2.0}
AT_6H = {**FROZEN, "sessions@6h": 0.7, "events@6h": 0.0, "active@6h=2": 1.0, "new_sessions@6h": 0.7}


def by_the_product(world: PayingWorld, place: tuple[str, ...], install: int) -> dict[str, float]:
    """At the landmark of an hour."""
    app, source, country, platform = place
    one = world.people.part(slice(install, install + 1))
    organic = one.campaign[0] < 0
    credit = InstallCredit(
        source,
        "" if organic else f"c{one.campaign[0]}",
        "" if organic else f"s{one.site[0]}",
        "none" if organic else "click_id",
        "" if organic else "impression" if one.is_view[0] else "click",
        int(one.click_lead_s[0]),
    )
    facts = InstallFacts("i", app, int(one.time[0]), platform, country, f"{one.system[0]}.1")
    counts = world.lives.names[install, 0].tolist()
    names = {name: count for name, count in zip(IN_APP_NAMES, counts, strict=True) if count}
    first = ActivityBucket(int(world.lives.sessions[install, 0]), sum(counts), names)
    return features_at(1, facts, credit, ActivityTally((first,)))


@pytest.mark.parametrize("name", ["agents", "renewal"])
def test_they_are_the_same(name: str) -> None:
    world = make_paying_world(name, "steady", 1, INSTALLS)
    features = WorldFeatures(world.people, world.lives)

    for install in range(INSTALLS):
        expected = by_the_product(world, features.places[install], install)
        assert features.at(install, 1) == expected


def test_features_are_known_at_every_landmark_that_was_reached_and_at_no_other() -> None:
    rows: dict[str, list[Outcome]] = {
        topics.PREDICTIONS.name: [
            prediction(landmark=landmark) for landmark in ("install", "1h", "6h", "1d")
        ],
        topics.FEATURES.name: [features(features=FROZEN), features("i1", "6h", features=AT_6H)],
    }
    outcomes = DecidedOutcomes()
    for topic, found in rows.items():
        records = [MemoryRecord(topic, 0, 0, 0, None, json.encode(row)) for row in found]
        outcomes.take(topic, records)

    assert outcomes.finished().features["puzzle", "i1"] == {
        "install": FROZEN,
        "1h": carried_features(FROZEN, "install", "1h"),
        "6h": AT_6H,
        "1d": carried_features(AT_6H, "6h", "1d"),
    }
