"""Rows for tests of the value model: few kinds of installs whose worth is known."""

from __future__ import annotations

from functools import cache

import numpy as np

from online_models.hazard.encoding import Encoder
from online_models.value.model import StepRow, ValueModel, ValueRow, ValueRules
from online_models.value.shape import VALUE_STEPS, bucket_ending_with, rows_of

SMALL = ValueRules(slots=2**10, amount_alpha=0.01)
"""Few enough places for names to share some; so few kinds of installs are learned sooner."""

RICH, POOR = "country=US", "country=IN"
CHANCE = {RICH: 0.4, POOR: 0.1}
"""That anything comes in a bucket."""
MEAN = {RICH: 30.0, POOR: 6.0}
"""Of what comes, where anything does."""

_encoder = Encoder(SMALL.slots, SMALL.seed)


def install(kind: str) -> tuple[bytes, bytes]:
    return _encoder.pack({kind: 1.0, "app=a": 1.0})


@cache
def history(installs: int, seed: int = 1) -> tuple[tuple[list[ValueRow], StepRow], ...]:
    """What is learned of installs, step after step; whoever has paid is no other than before."""
    rng = np.random.default_rng(seed)
    found = []
    for step in range(len(VALUE_STEPS)):
        bucket = bucket_ending_with(step)
        for number in range(installs):
            kind = (RICH, POOR)[number % 2]
            comes = rng.random() < CHANCE[kind]
            amount = float(rng.gamma(0.7, MEAN[kind] / 0.7)) if comes else 0.0
            rows = [
                ValueRow(*install(kind), mark, bucket, amount, 0.0, "ios", f"{number}")
                for mark in rows_of(step)
                if bucket is not None
            ]
            found.append((rows, StepRow(step, amount, 10.0 * step)))
    return tuple(found)


def learned(installs: int, rules: ValueRules = SMALL) -> ValueModel:
    model = ValueModel(rules)
    teach(model, history(installs))
    return model


def teach(model: ValueModel, reported: tuple[tuple[list[ValueRow], StepRow], ...]) -> None:
    model.learn([row for rows, _ in reported for row in rows])
    model.develop([step for _, step in reported])
