"""River's challengers learn twice; with the right weights they predict the share that pays."""

from __future__ import annotations

import pytest

from streams.lab.evaluation.payer.river_challengers import PRIOR, RiverChallengers

FEATURES = {"landmark=install": 1.0, "country=DE": 1.0}
DELAY = 200
"""Installs between a question and the end of its horizon."""


def lived(installs: int, every: int) -> dict[str, float]:
    """One in `every` pays, half a horizon after it was asked about."""
    river = RiverChallengers()
    for now in range(installs + DELAY):
        if now < installs:
            river.ask([FEATURES])
        paying, over = now - DELAY // 2, now - DELAY
        if 0 <= paying < installs and paying % every == 0:
            river.learn_payment(FEATURES)
        if over >= 0:
            river.learn_at_horizon(FEATURES, over % every == 0)
    (chances,) = river.ask([FEATURES])
    return chances


@pytest.mark.parametrize("every", [5, 10, 50])
def test_both_come_to_say_the_share_that_pays(every: int) -> None:
    chances = lived(6_000, every)

    assert chances["river"] == pytest.approx(1 / every, rel=0.25)
    assert chances["river_defer"] == pytest.approx(1 / every, rel=0.25)


def test_before_anything_is_learned_they_say_the_prior() -> None:
    (chances,) = RiverChallengers().ask([FEATURES])

    assert chances == pytest.approx({"river": PRIOR, "river_defer": PRIOR})


def test_who_waits_learns_nothing_before_the_horizon_and_who_does_not_learns_at_once() -> None:
    river = RiverChallengers()
    for _ in range(200):
        (chances,) = river.ask([FEATURES])

    assert chances["river"] == pytest.approx(PRIOR)
    assert chances["river_defer"] < 0.7 * PRIOR
