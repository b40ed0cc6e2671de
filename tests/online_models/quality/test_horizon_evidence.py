"""A model answers where it is not shown to be worse than rates, and chances never fall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from online_models.hazard.bins import PAYER, Horizon, Shape
from online_models.learning.evidence import (
    BlockSums,
    Evidence,
    PrequentialBlock,
    answered_where,
    block_sums,
    target_evidence,
)
from online_models.quality.horizon_evidence import immature_horizons, stretches_of
from online_models.scoring.tiers import composed
from schemas.time import DAY_MS

NAMES = ["d1", "d7", "d30"]
CHANCE = 0.02
ROWS = 900


def blocks_of(factors: tuple[float, float, float], count: int = 60) -> list[BlockSums]:
    """Of a model that says `factors` times the chance for each stretch; rates are right."""
    rng, found = np.random.default_rng(1), []
    stretch = np.arange(ROWS) % 3
    truth = np.full(ROWS, CHANCE)
    says = truth * np.array(factors)[stretch]
    for _ in range(count):
        labels = rng.random(ROWS) < CHANCE
        tiers = (says, says, truth, truth)
        block = PrequentialBlock(labels, stretch, tiers, (says,), says, stretch, 3)
        found.append(block_sums(block))
    return found


def answered(
    factors: tuple[float, float, float], immature: str = "", *, is_proven: bool = True
) -> tuple[frozenset[str], Evidence]:
    blocks = blocks_of(factors)
    shown = target_evidence(blocks, ["main"]), blocks, len(blocks)
    return answered_where(
        shown, NAMES, frozenset(immature.split()), margin=0.02, is_proven=is_proven
    )


def test_each_bin_counts_for_the_first_horizon_that_it_ends_before() -> None:
    stretch = stretches_of(PAYER)
    ends = [PAYER.edges[one + 1] for one in range(PAYER.bins)]
    days = [1 * DAY_MS, 7 * DAY_MS, 30 * DAY_MS]
    assert stretch.tolist() == [sum(end > day for day in days) for end in ends]


def test_a_target_with_one_horizon_has_one_stretch() -> None:
    shape = Shape((0, DAY_MS, 8 * DAY_MS), PAYER.landmarks[:1], (Horizon("d7", 8 * DAY_MS),))
    assert stretches_of(shape).tolist() == [0, 0]


def test_rates_answer_where_the_model_is_shown_to_be_worse_and_only_there() -> None:
    found, asked = answered((1.0, 1.0, 3.0))
    assert found == {"d30"}
    assert target_evidence(blocks_of((1.0, 1.0, 3.0)), ["main"]).over_rates.is_shown_worse
    # What is left for the model to answer is judged without the stretch that it lost.
    assert not asked.over_rates.is_shown_worse
    assert not asked.published_over_rates.is_shown_worse


def test_a_model_that_is_not_proven_is_judged_on_all_stretches_together() -> None:
    found, asked = answered((1.0, 1.0, 3.0), is_proven=False)
    assert found == {"d30"}
    assert asked.over_rates.is_shown_worse


def test_a_trifle_that_is_shown_does_not_take_a_horizon_away() -> None:
    found, _ = answered((1.12, 1.0, 1.0))
    loss = target_evidence(blocks_of((1.12, 1.0, 1.0)), ["main"]).horizons[0]
    assert loss.over_rates.mean < 0.02 * loss.rates_loss
    assert found == frozenset()


def test_where_nothing_happened_nobody_is_shown_to_be_worse() -> None:
    """Who says a thousandth loses to who says nothing, on every row; that is no evidence."""
    stretch, says = np.arange(ROWS) % 3, np.full(ROWS, 1e-3)
    none = np.full(ROWS, 1e-6)
    labels = np.zeros(ROWS, np.bool_)
    block = block_sums(
        PrequentialBlock(labels, stretch, (says, says, none, none), (says,), says, stretch, 3)
    )
    shown = target_evidence([block] * 60, ["main"]), [block] * 60, 60
    assert shown[0].horizons[0].over_rates.is_shown_worse
    found, _ = answered_where(shown, NAMES, frozenset(), margin=0.02, is_proven=True)
    assert found == frozenset()


def test_rates_answer_for_horizons_that_nobody_has_got_to() -> None:
    found, asked = answered((1.0, 1.0, 3.0), "d7 d30")
    assert found == {"d7", "d30"}
    assert asked.over_rates == asked.horizons[0].over_rates


def test_hardly_reached_is_what_has_few_examples_of_its_last_bin() -> None:
    learned = np.full(PAYER.bins, 1_000.0)
    learned[-1] = 10.0
    assert immature_horizons(PAYER, learned) == {"d30"}


def test_blocks_that_were_stored_without_stretches_leave_all_to_the_model() -> None:
    blocks = [structs.replace(one, stretches=[]) for one in blocks_of((3.0, 3.0, 3.0))]
    shown = target_evidence(blocks, ["main"]), blocks, len(blocks)
    found, _ = answered_where(shown, NAMES, frozenset(), margin=0.02, is_proven=True)
    assert found == frozenset()


chances = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=3).map(
    lambda found: dict(zip(NAMES[-len(found) :], sorted(found), strict=True))
)


@given(model=chances, rates=chances, answers=st.frozensets(st.sampled_from(NAMES)))
def test_chances_of_two_who_answer_never_fall_from_one_horizon_to_the_next(
    model: dict[str, float], rates: dict[str, float], answers: frozenset[str]
) -> None:
    rates = {name: rates.get(name, 1.0) for name in model}
    found, outdone = composed(model, rates, answers)

    assert list(found) == list(model)
    assert set(outdone) == answers & found.keys()
    assert [*found.values()] == sorted(found.values())
    assert all(0.0 <= one <= 1.0 for one in found.values())


def test_who_answers_for_all_says_what_it_says_alone() -> None:
    model, rates = {"d1": 0.1, "d7": 0.3}, {"d1": 0.2, "d7": 0.5}
    assert composed(model, rates, frozenset())[0] == pytest.approx(model)
    assert composed(model, rates, frozenset(NAMES))[0] == pytest.approx(rates)
    mixed, _ = composed(model, rates, frozenset({"d7"}))
    # Of those who are left at day 1, rates say that 0.3 of 0.8 come by day 7.
    assert mixed == pytest.approx({"d1": 0.1, "d7": 1.0 - 0.9 * (1.0 - 0.375)})
