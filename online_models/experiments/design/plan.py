"""How long an experiment takes: units it needs, and days until they are there and followed."""

from __future__ import annotations

import math
from typing import NamedTuple

from online_models.experiments.design.assignment import HOLDOUT_SHARE
from online_models.experiments.design.definition import ExperimentDefinition
from online_models.experiments.sample_size import sample_size
from schemas.time import DAY_MS


class ExperimentPlan(NamedTuple):
    """`units`: of all variants, to show the lift with the smallest treatment, read at any time;
    `units_at_one_look`: if it were looked at once. `tuned_for`: units of that treatment and the
    control. `days`: until the last of them is followed for the window, at full ramp."""

    units: int
    units_at_one_look: int
    tuned_for: int
    units_a_day: float
    days: int


def plan_of(definition: ExperimentDefinition) -> ExperimentPlan | None:
    """The plan of a definition that says what it expects; None: it does not."""
    expected = definition.expected
    if expected is None:
        return None
    control, *treatments = [variant.share for variant in definition.variants]
    smallest = min(treatments)
    size = sample_size(
        expected.metric(),
        expected.lift,
        (control, smallest),
        expected.variance_removed,
        0.05 / len(treatments),
    )
    # A metric per payer hears of payers only.
    pair = math.ceil(size.at_any_time / expected.payers)
    share = control + smallest
    a_day = expected.units_a_day * definition.traffic * (1.0 - HOLDOUT_SHARE)
    units = math.ceil(pair / share)
    return ExperimentPlan(
        units=units,
        units_at_one_look=math.ceil(size.at_one_look / expected.payers / share),
        tuned_for=pair,
        units_a_day=a_day,
        days=math.ceil(units / a_day) + math.ceil(definition.window_ms / DAY_MS),
    )
