"""The additive hazard: how it shares credit, and that fitting finds what generated the data."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from online_models.credit.exposures import (
    PersonStanding,
    PersonState,
    Strength,
    state_at,
    watch_path,
)
from online_models.credit.hazard import POOLED, ChannelEffect, CreditHazard
from online_models.credit.hazard_fit import fit_hazard
from online_models.credit.window import CHANNELS_MAX, OVERFLOW, PathWindow
from schemas.records import ExposurePath
from schemas.time import EventMs
from tests.worlds import credit_world
from tests.worlds.credit_world import APP, EFFECTS, ORGANIC_RATE, at, path, touch

MODEL = CreditHazard(
    {APP: math.log(0.1), POOLED: math.log(0.3)},
    1.0,
    0.5,
    {
        (APP, "video"): ChannelEffect(Strength(0.1, 0.0), Strength(0.2, 0.1)),
        (POOLED, POOLED): ChannelEffect(Strength(0.0, 0.0), Strength(0.05, 0.0)),
    },
)
CALM = PersonStanding(0, 0)


def window_of(paths: list[ExposurePath]) -> PathWindow:
    window = PathWindow()
    for one in paths:
        window.add(one, watch_path(one))
    return window


def test_credit_is_what_each_channel_adds_to_the_rate() -> None:
    both_kinds = {("video", True): Strength(1.0, 1.0), ("video", False): Strength(1.0, 0.0)}

    shares = MODEL.shares(APP, PersonState(CALM, both_kinds))

    assert shares == {"organic": pytest.approx(0.2), "video": pytest.approx(0.8)}


def test_intent_moves_credit_to_organic() -> None:
    shown = {("video", True): Strength(1.0, 1.0)}

    calm = MODEL.shares(APP, PersonState(CALM, shown))
    keen = MODEL.shares(APP, PersonState(PersonStanding(9, 2), shown))

    assert keen["organic"] > calm["organic"] + 0.3


def test_an_unknown_channel_counts_as_much_as_the_others_do_on_average() -> None:
    shares = MODEL.shares(APP, PersonState(CALM, {("new", True): Strength(1.0, 1.0)}))

    assert shares == {"organic": pytest.approx(2 / 3), "new": pytest.approx(1 / 3)}


def test_an_unknown_app_has_the_pooled_level() -> None:
    assert MODEL.baseline("app.new", CALM) == pytest.approx(0.3)


def test_the_loss_is_that_of_ever_shorter_person_times() -> None:
    """The loss of the literature, -y log(1 - exp(-rate)) + (1 - y) rate, per person and minute."""
    lived = path(1, [(0.0, "video"), (0.5, "video")], installed_d=2.0)
    minutes = 2 * 1440
    lost = 0.0
    for minute in range(minutes):
        now = at((minute + 0.5) / 1440)
        then = state_at(lived.touches, now, 0)
        rate = MODEL.baseline(APP, then.standing)
        rate = (rate + sum(added for _, added in MODEL.parts(APP, then.strengths))) / 1440
        lost += rate if minute < minutes - 1 else -math.log(-math.expm1(-rate))

    per_day = lost - math.log(1440)

    assert MODEL.loss(APP, watch_path(lived)) == pytest.approx(per_day, rel=1e-3)


def test_fitting_finds_the_rates_that_generated_the_paths() -> None:
    fitted = fit_hazard(window_of(credit_world.paths(6000, seed=1)), None)

    assert math.exp(fitted.levels[APP]) == pytest.approx(ORGANIC_RATE, rel=0.1)
    for channel, effect in EFFECTS.items():
        strength = fitted.effects[APP, channel].click
        whole = strength.fast * 0.6 + strength.slow * 3.0  # its integral, in half-lives
        assert whole == pytest.approx(0.6 * effect, abs=0.012), channel


def test_all_credit_together_is_all_installs() -> None:
    """Each channel is credited with what is expected of its exposure, but for the prior."""
    paths = credit_world.paths(2000, seed=2)
    fitted = fit_hazard(window_of(paths), None)
    credited: dict[str, float] = {}
    expected: dict[str, float] = {}

    for one in paths:
        watched = watch_path(one)
        for channel, installs in fitted.parts(APP, watched.exposure):
            expected[channel] = expected.get(channel, 0.0) + installs
        if watched.installed is not None:
            for channel, share in fitted.shares(APP, watched.installed).items():
                credited[channel] = credited.get(channel, 0.0) + share

    for channel, installs in expected.items():
        assert credited[channel] == pytest.approx(installs, rel=0.02, abs=1.2), channel


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_no_model_nearby_explains_the_installs_better(factor: float) -> None:
    watched = [watch_path(one) for one in credit_world.paths(1500, seed=5)]
    fitted = fit_hazard(window_of(credit_world.paths(1500, seed=5)), None)
    neighbours = [replace(fitted, levels={APP: fitted.levels[APP] + math.log(factor)})]
    for channel in EFFECTS:
        known = fitted.effects[APP, channel]
        changed = Strength(known.click.fast * factor, known.click.slow * factor)
        effects = {**fitted.effects, (APP, channel): known._replace(click=changed)}
        neighbours.append(replace(fitted, effects=effects))

    def loss(model: CreditHazard) -> float:
        return math.fsum(model.loss(APP, one) for one in watched)

    assert min(loss(one) for one in neighbours) > loss(fitted) - 0.1


def test_a_warm_start_comes_to_the_same_model() -> None:
    window = window_of(credit_world.paths(3000, seed=3))
    other = fit_hazard(window_of(credit_world.paths(500, seed=4)), None)

    cold, warm = fit_hazard(window, None), fit_hazard(window, other)

    lived = credit_world.paths(3000, seed=3)
    losses = [sum(one.loss(APP, watch_path(p)) for p in lived) for one in (cold, warm)]
    assert losses[0] == pytest.approx(losses[1], abs=0.5)


def test_an_empty_window_gives_a_finite_model() -> None:
    assert fit_hazard(PathWindow(), None).is_finite()


def test_a_flood_of_channels_shares_one_bucket_and_is_counted() -> None:
    flood = [path(n, [(0.0, f"channel-{n}")], installed_d=1.0) for n in range(CHANNELS_MAX + 40)]

    window = window_of(flood)
    fitted = fit_hazard(window, None)

    assert len(window.names.channels) == CHANNELS_MAX
    assert window.names.overflowed > 40
    assert fitted.effects["", OVERFLOW].click.fast > 0


def test_an_impression_leaves_clicks_alone() -> None:
    shown = [
        ExposurePath(
            f"p{n}",
            APP,
            EventMs(at(0)),
            EventMs(at(3)),
            False,
            [touch(0, "a", is_click=False)],
            0,
            1.0,
        )
        for n in range(50)
    ]

    window = window_of(shown)

    assert list(window.blocks[-1].exposure) == [(1, False)]
