"""How cohorts grow: their own figures count as far as they go, and then what is usual."""

from __future__ import annotations

import math

import pytest

from online_models.value.ladder import Growths, Ladder, StepRow
from online_models.value.rules import ValueRules
from online_models.value.shape import BUCKETS, LANDMARKS, STEPS

RULES = ValueRules()


def grown(steps: int, installs: int, factor: float) -> Ladder:
    """Each step brings `factor` times all that came before."""
    ladder, before = Ladder(RULES), 0.0
    for step in range(steps):
        amount = before * factor if step else 1.0
        ladder.learn([StepRow(step, amount, before)] * installs)
        before += amount
    return ladder


def test_steps_that_many_completed_grow_as_they_did() -> None:
    assert grown(7, 40_000, 0.5).growths()[1:] == pytest.approx([0.5] * 6, rel=0.05)


def test_one_install_says_next_to_nothing() -> None:
    assert grown(2, 1, 90.0).growths()[1] < 1.2


def test_a_bucket_grows_by_all_of_its_steps() -> None:
    growths = grown(7, 1_000_000, 0.5).bucket_growths()
    assert growths[3] == pytest.approx(1.5**3 - 1, rel=0.05)


def test_beyond_what_is_known_revenue_fades_as_it_did_so_far() -> None:
    """Revenue a day that never fades, known for 30 days, is not expected to fade much after."""
    ladder = Ladder(RULES)
    for number, step in enumerate(STEPS[:4]):
        days = [one / 86_400_000 for one in step]
        ladder.learn([StepRow(number, days[1] - days[0], days[0])] * 20_000)
    known = ladder.growths()[4]
    steady, usual = 15 / 30, 15 / 30 * (37.5 / 22) ** -RULES.fading
    assert usual < 0.95 * known
    assert known == pytest.approx(steady, rel=0.1)


def test_amounts_that_are_not_numbers_are_counted_and_skipped() -> None:
    ladder = Ladder(RULES)
    ladder.learn([StepRow(0, math.nan, 0.0), StepRow(1, 1.0, math.inf), StepRow(2, 1e12, 0.0)])
    assert ladder.skipped == 3
    assert not ladder.steps.any()


def test_who_has_not_paid_yet_is_expected_to_pay_less_but_not_nothing() -> None:
    growths = Growths([0.0, 1.0, 1.0, 1.0], [0.0, 2.0, 4.0, 8.0])
    day_7 = len(LANDMARKS) - 1
    nothing, usual = (growths.expected(2, day_7, paid) for paid in (0.0, 4.0))
    assert 0.0 < nothing < usual == 4.0


def test_of_a_bucket_that_has_begun_only_the_rest_is_expected() -> None:
    growths = Growths([0.0, 1.0, 1.0, 1.0], [0.0, 2.0, 4.0, 8.0])
    day_1, day_3 = (number for number, mark in enumerate(LANDMARKS) if mark.name in ("1d", "3d"))
    assert BUCKETS[1].begin_ms == LANDMARKS[day_1].after_ms
    whole, rest = (growths.expected(1, mark, 2.0) for mark in (day_1, day_3))
    assert rest == pytest.approx(whole * 4 / 6)
