"""What an install takes does not grow with the events of its life."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from schemas.time import DAY_MS, MINUTE_MS
from streams.runtime.state import MemoryStore, RocksStore, StateStore
from streams.stages.common.working_set import HEAP_SLACK, stored_due, stored_expiry
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import NOON
from tests.worlds.records import RULES, answer, installed, session
from tests.worlds.stage_world import fed_journeys

DAYS = 730
DAY = DAY_MS // MINUTE_MS
QUARTERLY = DAYS // 8


@pytest.fixture(params=["memory", "disk"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    if request.param == "memory":
        return MemoryStore(stored_expiry)
    return RocksStore(tmp_path / "0", stored_expiry, stored_due)


def test_a_session_a_day_for_two_years_leaves_one_timer_and_a_state_of_one_size(
    state: StateStore,
) -> None:
    fed = fed_journeys(RULES, cast(MemoryStore, state))
    fed.journeys(installed(), answer(), watermarks={"matching-0": NOON})
    assert isinstance(fed.stage, Journeys)
    timers, sizes = fed.stage.context.timers, list[int]()
    for day in range(1, DAYS):
        fed.journeys(session(f"s{day}", day * DAY), watermarks={"matching-0": NOON + day * DAY_MS})
        if day % QUARTERLY == 0:
            sizes.append(sum(len(value) for _, value in state.entries()))
            assert len(timers._heap) <= 2 + HEAP_SLACK
    # Nothing is added any more but two bits for each active day.
    assert sizes[-1] - sizes[3] <= DAYS // 4
    assert sizes[-1] <= 3_000
    if isinstance(state, RocksStore):
        assert (len(timers), state.due_entries()) == (0, 1)
    else:
        assert len(timers) == 1
    state.close()
