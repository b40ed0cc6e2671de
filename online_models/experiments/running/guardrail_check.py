"""Guardrails: whether a treatment harms a metric by more than its margin, watched on one side.

What is followed is treated − (1 − margin) × control: below 0, the treatment has lost more than it
may. One-sided sequences are narrower than two-sided ones, since good news need not be watched.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from online_models.experiments.confidence_sequence import (
    DEFAULT_ALPHA,
    TUNED_FOR,
    one_sided_width,
)
from online_models.experiments.effect import Effect

GuardrailState = Literal["harmed", "held", "open", "early"]
"""`harmed`: worse than the margin allows, shown. `held`: within the margin, shown. `open`: neither
yet. `early`: too few units or payers."""


class GuardrailCheck(NamedTuple):
    """`slack`: what is left of the margin, in units of the metric, positive is good; `low` and
    `high`: its one-sided bounds, each valid at any time by itself. NaN: not yet."""

    metric: str
    variant: str
    margin: float
    slack: float
    low: float
    high: float
    state: GuardrailState


def check_guardrail(
    named: tuple[str, str],
    effect: Effect,
    margin: float,
    less_is_better: bool = False,
    alpha: float = DEFAULT_ALPHA,
    tuned_for: float = TUNED_FOR,
) -> GuardrailCheck:
    """The state of a guardrail past its burn-in. `named`: metric and variant."""
    sign = -1.0 if less_is_better else 1.0
    kept = 1.0 - sign * margin
    slack = sign * (float(effect.treated) - kept * float(effect.control))
    of_treated = effect.variance - effect.control_variance
    variance = of_treated + kept**2 * effect.control_variance
    variance = variance + (1.0 - kept) ** 2 * effect.shared_variance
    reach = float(one_sided_width(variance, effect.units, alpha, tuned_for))
    state: GuardrailState = "open"
    if np.isfinite(reach):
        state = "harmed" if slack + reach < 0.0 else "held" if slack - reach > 0.0 else "open"
    return GuardrailCheck(*named, margin, slack, slack - reach, slack + reach, state)


def early_guardrail(metric: str, variant: str, margin: float) -> GuardrailCheck:
    """One that cannot be judged yet."""
    nan = float("nan")
    return GuardrailCheck(metric, variant, margin, nan, nan, nan, "early")
