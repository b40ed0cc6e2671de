"""A model that was told of a change learns faster, and says nothing else for it."""

from __future__ import annotations

import random

import numpy as np
import pytest

from online_models.hazard.evidence_decay import forget_evidence
from online_models.hazard.model import HazardModel, HazardRow, HazardRules
from online_models.hazard.persistence import dump_hazard_model, load_hazard_model
from streams.lab.evaluation.drift.response import excess_log_loss
from tests.worlds import hazard_world


@pytest.mark.parametrize("l1", [0.0, 0.05])
def test_loosening_moves_no_prediction(l1: float) -> None:
    model = hazard_world.learned(3_000, HazardRules(slots=2**10, l1=l1))
    asked = [row for row in hazard_world.rows(3_200)[3_000:] if row.bin == row.landmark == 0]
    before = [model.hazards(row.features, 0) for row in asked]
    forget_evidence(model)
    after = [model.hazards(row.features, 0) for row in asked]

    assert asked
    assert np.allclose(np.array(before), np.array(after), rtol=1e-9, atol=0)


def test_a_loosened_model_written_down_goes_on_bit_for_bit() -> None:
    model = hazard_world.learned(2_000)
    forget_evidence(model)
    resumed = load_hazard_model(dump_hazard_model(model), model.rules)
    assert isinstance(resumed, HazardModel)
    rest = hazard_world.rows(3_000)[2_000:]

    assert model.learn(rest).tobytes() == resumed.learn(rest).tobytes()
    assert dump_hazard_model(model) == dump_hazard_model(resumed)


def test_a_loosened_model_follows_a_change_of_one_source_sooner() -> None:
    def rows(seed: int, count: int, of_changed: float) -> list[HazardRow]:
        chance = random.Random(seed)
        sources = [chance.random() < 0.3 for _ in range(count)]
        return [
            HazardRow({f"source={one}": 1.0}, 0, 0, chance.random() < (of_changed if one else 0.1))
            for one in sources
        ]

    model = HazardModel(hazard_world.SMALL)
    model.learn(rows(1, 30_000, 0.1))
    content = dump_hazard_model(model)
    after = rows(2, 6_000, 0.3)
    true = [0.3 if "source=True" in row.features else 0.1 for row in after]
    lost = []
    for loosens in (False, True):
        read = load_hazard_model(content, model.rules)
        assert isinstance(read, HazardModel)
        if loosens:
            forget_evidence(read)
        lost.append(excess_log_loss(read.learn(after).tolist(), true))

    assert lost[1] < 0.8 * lost[0]
