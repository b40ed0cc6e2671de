"""What raises after it has changed a state leaves the timers of that state as they were."""

from __future__ import annotations

from attribution.rules.rules import Rules
from schemas.records import MoneySeen
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import source_upstreams
from streams.stages.common.working_set import stored_expiry
from streams.stages.matching.matching import Matching
from streams.stages.separate.guard import GuardedStage
from tests.worlds.records import refund
from tests.worlds.stage_world import Fed, rows, settled

PURCHASE = "t:app:t1"
ONE_WAITS = Rules(watched_one_in=1, refunds_per_purchase_max=1)


class _RaisesAtBounds(StageObserver):
    """A bug that shows when the state is changed already."""

    def on_evicted(self, bound: str, count: int) -> None:
        raise ValueError(bound)


def _matching() -> Fed:
    state = MemoryStore(stored_expiry)
    observer = _RaisesAtBounds()
    guarded = GuardedStage(
        lambda: Matching(0, 1, ONE_WAITS, observer), state.entries, 0, StageObserver()
    )
    return Fed(guarded, state)


def test_a_refund_expires_though_a_later_one_that_would_have_moved_the_deadline_raised() -> None:
    stage = _matching()
    (waits,) = rows(stage.match(MoneySeen(PURCHASE, refund("r1", 0))), "parked")
    (row,) = rows(stage.match(MoneySeen(PURCHASE, refund("r2", 60))), "quarantined")
    assert (row["kind"], row["error"]) == ("record", "ValueError")

    past_the_first = dict.fromkeys(source_upstreams(1), waits["deadline"] + 1)
    assert settled(stage.match(watermarks=past_the_first)) == [("payments", "expired", [1])]
