"""Mutated valid events: none is lost, none counts twice, none ends a stage."""

from __future__ import annotations

import os

import pytest

from tests.simulation.bad_input import BATCH, check_batch

SEEDS = int(os.environ.get("HEADWATER_BAD_INPUT_BATCHES", "5"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_mutated_events_have_one_fate_each(seed: int) -> None:
    fates = check_batch(seed, BATCH)
    # The mutations reach every side of the judgement, or they would prove nothing.
    assert min(fates["decided"], fates["duplicate"], fates["dead_lettered"]) > BATCH // 20
