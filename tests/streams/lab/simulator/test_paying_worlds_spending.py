"""What people pay: the true expectation agrees with what is paid, whatever is known of them."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.time import DAY_MS
from streams.lab.simulator.draws import BoolColumn, FloatColumn
from streams.lab.simulator.paying_worlds import (
    BEGIN_MS,
    HELD_OUT_WORLDS,
    PAYING_WORLDS,
    PayingWorld,
    Spending,
    log_payments,
    make_paying_world,
    spend,
)
from streams.lab.simulator.paying_worlds.purses import PURSES
from streams.lab.simulator.paying_worlds.spending import SPENDING_HORIZONS
from streams.lab.simulator.paying_worlds.steps import HORIZON_MS, HORIZON_NAMES, LANDMARK_MS

NAMES = (*PAYING_WORLDS, *HELD_OUT_WORLDS)
SURPRISE_MAX = 4.0
"""Standard errors."""


@pytest.fixture(scope="module", params=NAMES)
def lived(request: pytest.FixtureRequest) -> tuple[PayingWorld, Spending]:
    world = make_paying_world(str(request.param), "steady", 5, 12_000)
    return world, spend(world, 5)


def surprise(actual: FloatColumn, predicted: FloatColumn) -> float:
    off = actual - predicted
    return abs(float(off.sum())) / max(float(np.sqrt((off**2).sum())), 1e-9)


@pytest.mark.parametrize("horizon", range(3), ids=SPENDING_HORIZONS)
def test_worth_comes_true_of_who_has_paid_and_who_has_not(
    lived: tuple[PayingWorld, Spending], horizon: int
) -> None:
    _, spending = lived
    end = int(HORIZON_MS[HORIZON_NAMES.index(SPENDING_HORIZONS[horizon])])
    actual = spending.paid_until(end)
    for landmark, at in enumerate(LANDMARK_MS.tolist()):
        has_paid: BoolColumn = spending.paid_until(at) > 0.0
        for which in (has_paid, ~has_paid):
            predicted = spending.expected[which, landmark, horizon]
            assert surprise(actual[which], predicted) < SURPRISE_MAX, (landmark, which.mean())


def test_worth_tells_kinds_of_payers_apart(lived: tuple[PayingWorld, Spending]) -> None:
    """Among those who have paid, by what payments say of them."""
    _, spending = lived
    spent, actual = spending.paid_until(7 * DAY_MS), spending.paid_until(90 * DAY_MS)
    payers = np.flatnonzero(spent > 0.0)
    more = spending.expected[payers, -1, 2] - spent[payers]
    low, high = np.array_split(payers[np.argsort(more)], 2)
    for half in (low, high):
        assert surprise(actual[half], spending.expected[half, -1, 2]) < SURPRISE_MAX
    assert spending.expected[high, -1, 2].mean() > 2 * spending.expected[low, -1, 2].mean()


def test_a_horizon_that_has_passed_is_worth_what_was_paid(
    lived: tuple[PayingWorld, Spending],
) -> None:
    _, spending = lived
    assert np.allclose(spending.expected[:, -1, 0], spending.paid_until(7 * DAY_MS))


@pytest.mark.parametrize("name", NAMES)
def test_amounts_have_the_mean_they_are_said_to_have(name: str) -> None:
    prices = PURSES[name].prices
    shares = (np.arange(200_000) + 0.5) / 200_000
    for kind, mean in enumerate(prices.mean.tolist()):
        drawn = prices.drawn(np.full(len(shares), kind), shares)
        assert float(drawn.mean()) == pytest.approx(mean, rel=0.01)


def test_until_something_changes_the_same_is_paid() -> None:
    steady, dearer = (
        make_paying_world("agents", one, 3, 4_000) for one in ("steady", "price_change")
    )
    before, after = spend(steady, 3), spend(dearer, 3)
    for until, is_equal in ((BEGIN_MS, True), (BEGIN_MS + 90 * DAY_MS, False)):
        totals = []
        for world, spending in ((steady, before), (dearer, after)):
            is_in = world.people.time[spending.install] + spending.paid_ms < until
            totals.append(float(spending.amount[is_in].sum()))
        assert (totals[0] == totals[1]) is is_equal


def test_a_payment_sent_twice_is_logged_once_and_a_late_one_late() -> None:
    for disturbance in ("steady", "duplicate_payments", "late_events", "poisoned_labels"):
        world = make_paying_world("agents", disturbance, 3, 4_000)
        spending = spend(world, 3)
        logged = log_payments(world, spending, 3)
        late = logged.logged_ms - logged.paid_ms
        assert (late >= 0).all()
        assert bool(late.max() > 60_000) is (disturbance == "late_events")
        assert (len(logged.install) > len(spending.install)) is (disturbance == "poisoned_labels")
