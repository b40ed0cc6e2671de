"""State that a worker finds when it starts."""

from __future__ import annotations

import pytest

from schemas.records import journey_key
from streams.errors import Stop
from streams.stages.common.observer import StageObserver
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from tests.worlds.records import RULES, installed
from tests.worlds.stage_world import fed_journeys


def journeys() -> Journeys:
    observer = StageObserver()
    return Journeys(0, 1, RULES, Scorers(lambda _: None, observer, ScoringRules()), observer)


def test_what_this_version_wrote_is_restored() -> None:
    first = fed_journeys(RULES)
    first.journeys(installed(lookups=0))

    keys = [key for key, _ in first.state.entries() if key[0]]
    journeys().restore(first.state.entries())
    assert keys == [journey_key("app", "i1").encode()]


def test_installs_known_without_their_app_stop_the_worker_with_advice() -> None:
    with pytest.raises(Stop, match="state of an earlier version"):
        journeys().restore([(b"i1", b"\x90")])
