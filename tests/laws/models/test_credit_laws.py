"""What holds for the credit of whatever paths: it is shared out, all of it and once."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from online_models.credit.exposures import watch_path
from online_models.credit.hazard_fit import fit_hazard
from online_models.credit.window import PathWindow
from schemas.records import ExposurePath, ExposureTouch
from schemas.time import DAY_MS
from tests.worlds.credit_world import APP, path, touch

days = st.floats(-3.0, 14.0)
touchpoints = st.builds(touch, days, st.sampled_from(["a", "b", "brand", "owned"]), st.booleans())


@st.composite
def lived(draw: st.DrawFn) -> ExposurePath:
    touches = sorted(draw(st.lists(touchpoints, max_size=8)), key=lambda one: one.time)
    installed = draw(st.none() | st.floats(0.0, 14.0))
    drawn = replace(path(0, [], installed), touches=touches)
    return replace(drawn, prior_installs=draw(st.integers(0, 12)))


populations = st.lists(lived(), min_size=1, max_size=12)


def _window(paths: list[ExposurePath]) -> PathWindow:
    window = PathWindow()
    for one in paths:
        window.add(one, watch_path(one))
    return window


@settings(deadline=None)
@given(populations)
def test_shares_are_never_negative_and_sum_to_1(paths: list[ExposurePath]) -> None:
    model = fit_hazard(_window(paths), None)

    assert model.is_finite()
    for one in paths:
        installed = watch_path(replace(one, is_installed=True)).installed
        assert installed is not None
        shares = model.shares(APP, installed)
        assert math.fsum(shares.values()) == pytest.approx(1.0)
        assert min(shares.values()) >= 0.0
        assert "owned" not in shares


@given(lived())
def test_the_days_of_all_standings_are_the_days_watched(one: ExposurePath) -> None:
    watched = watch_path(one)

    assert math.fsum(watched.days.values()) == pytest.approx(
        (one.end_time - one.begin_time) / DAY_MS
    )


@given(lived(), st.floats(0.0, 14.0))
def test_watching_in_two_parts_is_watching_once(one: ExposurePath, cut: float) -> None:
    middle = min(one.begin_time + round(cut * DAY_MS), one.end_time)
    earlier = watch_path(replace(one, end_time=middle, is_installed=False))
    later = watch_path(replace(one, begin_time=middle))
    whole = watch_path(one)

    for standing in whole.days:
        parts = earlier.days.get(standing, 0.0) + later.days.get(standing, 0.0)
        assert parts == pytest.approx(whole.days[standing], abs=1e-6)
    for effect, strength in whole.exposure.items():
        halves = [part.exposure.get(effect, (0.0, 0.0)) for part in (earlier, later)]
        assert strength == pytest.approx([a + b for a, b in zip(*halves, strict=True)])


@settings(deadline=None)
@given(populations, st.randoms())
def test_the_order_of_paths_in_a_window_changes_no_credit(
    paths: list[ExposurePath], chance: Random
) -> None:
    shuffled = list(paths)
    chance.shuffle(shuffled)

    one, other = fit_hazard(_window(paths), None), fit_hazard(_window(shuffled), None)

    for lived_path in paths:
        watched = watch_path(lived_path)
        assert one.expected(APP, watched) == pytest.approx(other.expected(APP, watched), rel=1e-3)


@given(st.lists(touchpoints, max_size=6))
def test_what_comes_after_the_install_changes_nothing(touches: list[ExposureTouch]) -> None:
    known = sorted(touches, key=lambda one: one.time)
    one = replace(path(0, [], installed_d=5.0), touches=known)
    before = [touch for touch in known if touch.time <= one.end_time]

    assert watch_path(one) == watch_path(replace(one, touches=before))
