"""A version that answers does not lose its place for a trifle, and does for what matters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from msgspec import structs

from online_models.learning.evidence import BlockSums, Evidence, PrequentialBlock, block_sums
from online_models.learning.evidence import target_evidence as evidence_of
from online_models.learning.gates import GateRules, deserves_suspension, gate_target
from tests.worlds.hazard_world import learned

ROWS = 600  # of a block
BLOCKS_OF_DAY = 12
WINDOW = 100  # blocks
PAYERS = 0.01  # of the rows, as rates say and as it is
WITHOUT = GateRules(live_margin=0.0)


def days(factor: float, count: int, seed: int = 1) -> Iterator[Evidence]:
    """The evidence at the end of each day on a model that says `factor` times the chance."""
    rng = np.random.default_rng(seed)
    blocks: list[BlockSums] = []
    truth, predicted = np.full(ROWS, PAYERS), np.full(ROWS, PAYERS * factor)
    for _ in range(count):
        for _ in range(BLOCKS_OF_DAY):
            labels = rng.random(ROWS) < PAYERS
            tiers, ages = (predicted, predicted, truth, truth), np.zeros(ROWS, np.int64)
            blocks.append(
                block_sums(PrequentialBlock(labels, ages, tiers, (predicted,), predicted))
            )
        yield evidence_of(blocks[-WINDOW:], ["main"])


@pytest.mark.parametrize("factor", [0.4, 2.0])
def test_a_version_that_is_truly_worse_is_suspended_within_a_week_of_log_time(
    factor: float,
) -> None:
    assert any(deserves_suspension(day, GateRules()) for day in days(factor, 7))


@pytest.mark.parametrize("factor", [0.85, 1.18])
def test_a_trifle_neither_suspends_what_answers_nor_keeps_a_fresh_version_from_it(
    factor: float,
) -> None:
    seen = [*days(factor, 56)]
    assert any(deserves_suspension(day, WITHOUT) for day in seen)
    assert not any(deserves_suspension(day, GateRules()) for day in seen)
    (worse, *_) = [day for day in seen if day.over_rates.is_shown_worse]
    fresh = learned(500).scorer
    unmoved = structs.replace(worse, calibration=1.0)
    assert gate_target(fresh, 2000, unmoved, None, GateRules(), is_first=False) is None
    # What does not answer yet has to be as good as what does.
    assert gate_target(fresh, 2000, unmoved, None, GateRules(), is_first=True) is not None
