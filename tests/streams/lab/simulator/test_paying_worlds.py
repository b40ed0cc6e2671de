"""Paying worlds: what is called the true chance comes true, and only what should differ does."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.time import DAY_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds import (
    BEGIN_MS,
    DISTURBANCES,
    HELD_OUT_WORLDS,
    NEVER_PAYS,
    PAYING_WORLDS,
    PayingWorld,
    make_paying_world,
)
from streams.lab.simulator.paying_worlds.chances import normal_cdf, paid_at, picked, poisson
from streams.lab.simulator.paying_worlds.lives import is_open
from streams.lab.simulator.paying_worlds.steps import (
    EDGES_MS,
    HORIZON_MS,
    HORIZON_NAMES,
    LANDMARK_MS,
    LANDMARK_NAMES,
)

NAMES = (*PAYING_WORLDS, *HELD_OUT_WORLDS)
GROUPS = 12


def paid_by(world: PayingWorld, horizon: int) -> IntColumn:
    paid = world.lives.paid_ms
    found: IntColumn = ((paid != NEVER_PAYS) & (paid < HORIZON_MS[horizon])).astype(np.int64)
    return found


def surprise(actual: IntColumn, predicted: FloatColumn) -> float:
    """Chi-squared over groups of like chances: about GROUPS when they are right."""
    groups = np.array_split(np.argsort(predicted), GROUPS)
    return sum(
        float(
            (actual[one].sum() - predicted[one].sum()) ** 2
            / (predicted[one] * (1 - predicted[one])).sum()
        )
        for one in groups
    )


@pytest.fixture(scope="module", params=NAMES)
def steady(request: pytest.FixtureRequest) -> PayingWorld:
    return make_paying_world(str(request.param), "steady", 5, 12_000)


@pytest.mark.parametrize("horizon", [1, 2, 3], ids=HORIZON_NAMES[1:])
def test_of_those_with_a_true_chance_that_share_pays(steady: PayingWorld, horizon: int) -> None:
    paid = paid_by(steady, horizon)
    for landmark, since in enumerate(LANDMARK_MS.tolist()):
        if since >= HORIZON_MS[horizon]:
            continue
        at_risk = is_open(steady.lives.paid_ms)[:, landmark]
        predicted = steady.lives.chance[at_risk, landmark, horizon]
        # Of 72 such sums the largest of right chances stays below 40 in all but 1 case of 200.
        assert surprise(paid[at_risk], predicted) < 40, LANDMARK_NAMES[landmark]


def test_days_left_are_those_from_the_payment_to_the_horizon(steady: PayingWorld) -> None:
    paid = steady.lives.paid_ms
    left = np.where(paid == NEVER_PAYS, 0, np.maximum(HORIZON_MS[2] - paid, 0)) / DAY_MS
    predicted = steady.lives.left_d[:, 0, 2]

    assert predicted.mean() == pytest.approx(left.mean(), abs=4 * left.std() / np.sqrt(len(left)))


def test_nothing_is_said_of_who_has_paid_or_of_horizons_that_have_passed(
    steady: PayingWorld,
) -> None:
    chance = steady.lives.chance
    has_answer = is_open(steady.lives.paid_ms)[:, :, None] & (LANDMARK_MS[:, None] < HORIZON_MS)

    assert (~np.isnan(chance) == has_answer).all()
    assert (np.diff(np.nan_to_num(chance), axis=2) >= 0).all()


def test_behaviour_tells_more_than_traits(steady: PayingWorld) -> None:
    paid, at_risk = paid_by(steady, 2), is_open(steady.lives.paid_ms)[:, 3]
    chance = steady.lives.chance[at_risk][:, [0, 3], 2].clip(1e-9, 1 - 1e-9)
    label = paid[at_risk][:, None]

    loss = -(label * np.log(chance) + (1 - label) * np.log1p(-chance)).mean(axis=0)

    assert loss[1] < 0.97 * loss[0]


@pytest.mark.parametrize("disturbance", DISTURBANCES)
@pytest.mark.parametrize("name", NAMES)
def test_until_it_is_disturbed_a_world_is_the_same(name: str, disturbance: str) -> None:
    usual, disturbed = (make_paying_world(name, one, 3, 600) for one in ("steady", disturbance))
    people, lives = usual.people, usual.lives
    is_before = people.time < BEGIN_MS
    paid_before = (lives.paid_ms != NEVER_PAYS) & (people.time + lives.paid_ms < BEGIN_MS)
    other = disturbed.lives.paid_ms

    assert (people.time == disturbed.people.time).all()
    assert (people.quality == disturbed.people.quality)[is_before].all()
    assert (lives.paid_ms == other)[paid_before].all()
    assert (paid_before == ((other != NEVER_PAYS) & (people.time + other < BEGIN_MS))).all()
    known = people.time[:, None] + LANDMARK_MS[1:] <= BEGIN_MS
    assert (lives.sessions == disturbed.lives.sessions)[known].all()
    assert (lives.names == disturbed.lives.names)[known].all()


@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_give_equal_worlds_and_other_seeds_others(name: str) -> None:
    one, same, other = (make_paying_world(name, "steady", seed, 300) for seed in (1, 1, 2))

    assert (one.lives.paid_ms == same.lives.paid_ms).all()
    assert (one.lives.sessions == same.lives.sessions).all()
    assert not (one.people.time == other.people.time).all()


@pytest.mark.parametrize("name", NAMES)
def test_chances_move_as_the_disturbance_says(name: str) -> None:
    mean = {
        one: make_paying_world(name, one, 3, 3_000).lives.chance[2_200:, 0, 1].mean()
        for one in ("steady", "price_change", "bot_installs")
    }

    assert mean["price_change"] < 0.9 * mean["steady"]
    assert mean["bot_installs"] < mean["steady"]


def test_bots_open_the_app_once_and_silence_makes_people_suspect() -> None:
    world = make_paying_world("frailty", "bot_installs", 3, 9_000)
    people, lives = world.people, world.lives
    suspect = (people.bot_chance > 0) & ~people.is_bot
    is_quiet = (lives.sessions.sum(axis=1) + lives.names.sum(axis=(1, 2)) == 0) & suspect

    assert people.is_bot.sum() > 50
    assert not lives.sessions[people.is_bot].any()
    assert (lives.paid_ms[people.is_bot] == NEVER_PAYS).all()
    after_a_week = np.nan_to_num(lives.chance[:, 5, 2])
    assert after_a_week[is_quiet].mean() < 0.1 * after_a_week[suspect].mean()


def test_who_comes_anew_comes_through_new_campaigns_or_for_a_new_app() -> None:
    usual = make_paying_world("agents", "steady", 3, 3_000).people
    shifted = make_paying_world("agents", "campaign_shift", 3, 3_000).people
    cold = make_paying_world("agents", "cold_start", 3, 3_000).people
    is_new = usual.time >= BEGIN_MS

    assert usual.campaign.max() < shifted.campaign.max()
    assert (usual.campaign == shifted.campaign)[is_new].mean() < 0.8
    assert usual.app.max() < cold.app.max()
    assert (cold.app == cold.app.max())[is_new].mean() == pytest.approx(0.25, abs=0.05)


def test_poisson_counts_at_quantiles_are_poisson() -> None:
    share = (np.arange(100_000) + 0.5) / 100_000
    counts = poisson(share, np.full(len(share), 2.3))

    assert counts.mean() == pytest.approx(2.3, abs=1e-3)
    assert counts.var() == pytest.approx(2.3, abs=1e-2)


def test_normal_cdf_is_known_at_known_places() -> None:
    predicted = normal_cdf(np.array([-1.959964, 0.0, 1.0, 9.0]))

    assert predicted == pytest.approx([0.025, 0.5, 0.8413447, 1.0], abs=1e-6)


def test_columns_are_picked_as_often_as_they_say() -> None:
    share = (np.arange(1_000) + 0.5) / 1_000
    chances = np.tile([0.2, 0.0, 0.5, 0.3], (1_000, 1))

    assert np.bincount(picked(share, chances)).tolist() == [200, 0, 500, 300]


def test_payments_come_when_survival_falls_below_the_share_drawn() -> None:
    survival = np.tile(np.linspace(1.0, 0.5, len(EDGES_MS)), (4, 1))
    share = np.array([0.9999, 0.75, 0.501, 0.4])

    at = paid_at(share, survival)
    halfway = EDGES_MS[(len(EDGES_MS) - 1) // 2]

    assert at[0] < EDGES_MS[1]
    assert at[1] == pytest.approx(halfway, abs=DAY_MS)
    assert EDGES_MS[-2] <= at[2] < EDGES_MS[-1]
    assert at[3] == NEVER_PAYS
