"""When lanes decide that share a log. Stories move the time on by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from streams.runtime.transactions.turns import GATHER_SECONDS, PAUSE_PER_TURN, Turns
from streams.settings.core import BatchBounds

BOUNDS = BatchBounds(linger_seconds=0.02, linger_seconds_max=0.25)


class Hour:
    """A clock, and the one timer that is due."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due = float("inf")
        self._call: Callable[[], None] | None = None
        self.turns = Turns(BOUNDS, lambda: self.now, self._later)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        assert self._call is None, "one timer is enough"
        self.due, self._call = self.now + seconds, call

    def ring(self) -> None:
        """Go on to the moment at which the timer is due."""
        assert self._call is not None
        call, self._call, self.now = self._call, None, self.due
        self.due = float("inf")
        call()

    def commit(self, seconds: float) -> None:
        self.turns.committing()
        self.now += seconds
        self.turns.committed()


def on_loop(story: Callable[[Hour], None]) -> None:
    async def in_loop() -> None:
        story(Hour())

    asyncio.run(in_loop())


def test_lanes_whose_records_came_together_have_their_turn_together() -> None:
    def story(hour: Hour) -> None:
        first = hour.turns.wait()
        hour.now += GATHER_SECONDS / 2
        second = hour.turns.wait()
        assert hour.due == pytest.approx(100.0 + GATHER_SECONDS)
        hour.ring()
        assert first.done()
        assert second.done()

    on_loop(story)


@pytest.mark.parametrize(
    ("taken", "pause"),
    [
        pytest.param(0.001, BOUNDS.linger_seconds, id="an idle machine"),
        pytest.param(0.03, PAUSE_PER_TURN * 0.03, id="a busy one"),
        pytest.param(5.0, 5.0 + GATHER_SECONDS, id="one that stood still"),
    ],
)
def test_the_next_turn_comes_the_later_the_longer_the_last_one_took(
    taken: float, pause: float
) -> None:
    def story(hour: Hour) -> None:
        hour.turns.wait()
        hour.ring()
        began = hour.now
        hour.commit(taken)
        hour.turns.wait()
        assert hour.due - began == pytest.approx(pause)

    on_loop(story)


def test_who_comes_while_a_transaction_is_under_way_waits_for_its_end() -> None:
    def story(hour: Hour) -> None:
        hour.turns.wait()
        hour.ring()
        hour.turns.committing()
        late = hour.turns.wait()
        assert hour.due == float("inf")
        hour.now += 0.05
        hour.turns.committed()
        hour.ring()
        assert late.done()

    on_loop(story)


def test_a_lane_that_did_not_wait_for_its_turn_leaves_the_others_theirs() -> None:
    def story(hour: Hour) -> None:
        hasty, patient = hour.turns.wait(), hour.turns.wait()
        hasty.set_result(None)
        hour.turns.committing()
        hour.ring()
        assert patient.done(), "it decides while the transaction is under way"
        hour.turns.committed()

    on_loop(story)
