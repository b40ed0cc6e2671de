"""How cohorts grow: their own figures count as far as they go, and then what is usual."""

from __future__ import annotations

import math

import pytest

from online_models.scoring.landmarks import LANDMARKS
from online_models.value.ladder import Growths, Ladder, StepRow
from online_models.value.rules import ValueRules
from online_models.value.shape import VALUE_STEPS

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


@pytest.mark.no_cover
def test_a_bucket_grows_by_all_of_its_steps() -> None:
    growths = grown(7, 100_000, 0.5).bucket_growths()
    assert growths[3] == pytest.approx(1.5**3 - 1, rel=0.05)


def test_beyond_what_is_known_revenue_fades_as_it_did_so_far() -> None:
    """Revenue a day that never fades, known for 30 days, is not expected to fade much after."""
    ladder = Ladder(RULES)
    for number, step in enumerate(VALUE_STEPS[:4]):
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


GROWTHS = Growths([0.0, 1.0, 1.0, 1.0], [0.0, 2.0, 4.0, 8.0], 2.0)
DAY_1, DAY_3, DAY_7 = range(3, 6)


def test_who_has_not_paid_yet_is_expected_to_pay_less_but_not_nothing() -> None:
    nothing, usual = (GROWTHS.expected(2, DAY_7, paid, None) for paid in (0.0, 4.0))
    assert 0.0 < nothing < usual == 4.0


def test_who_is_expected_to_pay_before_goes_on_in_proportion() -> None:
    """Revenue doubles with each bucket: half of it is in the last."""
    assert GROWTHS.expected(3, DAY_7, 6.0, 3.0) == 6.0
    assert GROWTHS.expected(3, DAY_7, 6.0, 5.0) == 8.0
    assert GROWTHS.expected(1, 0, 3.0, 3.0) == 3.0


def test_before_the_first_bucket_has_matured_everybody_is_expected_to_pay_what_is_usual() -> None:
    assert grown(3, 1_000, 0.5).seen().expected(0, 0, 0.0, None) == 1.0


def test_of_a_bucket_that_has_begun_only_the_rest_is_expected() -> None:
    assert [LANDMARKS[one].name for one in (DAY_1, DAY_3)] == ["1d", "3d"]
    whole, rest = (GROWTHS.expected(1, mark, 2.0, None) for mark in (DAY_1, DAY_3))
    assert rest == pytest.approx(whole * 4 / 6)
