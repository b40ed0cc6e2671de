"""What each tier costs: all of them predict everything, so that their difference is measured."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from streams.lab.evaluation.payer.judged_predictions import (
    Judged,
    excess,
    log_loss,
    reliability_of,
    rounded,
)
from streams.lab.evaluation.payer.payer_models import TIERS
from streams.lab.evaluation.payer.runs import PayingPlan, Run, replay_all
from streams.lab.simulator.paying_worlds.steps import LANDMARKS
from streams.progress import Progress


def evaluate_tiers(plan: PayingPlan, advance: Progress) -> dict[str, dict[str, Any]]:
    """By world and disturbance: log loss in nats per prediction, for D7."""
    return tiers_of(replay_all(plan, advance))


def tiers_of(runs: Iterable[Run]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run.world, {})[run.disturbance] = rounded(_figures(run))
    return found


def _figures(run: Run) -> dict[str, Any]:
    losses = {tier: log_loss(run.d7, tier) for tier in TIERS}
    return {
        "log_loss": losses,
        "is_ordered": all(better < worse for better, worse in pairwise(losses.values())),
        "normalised_entropy" if run.is_own else "excess_ne": {
            tier: excess(run.d7, tier) for tier in TIERS
        },
        "calibration_ratio": {tier: reliability_of(run.d7, tier).ratio for tier in TIERS},
        "by_landmark": _by_landmark(run.d7),
        "unanswered": {tier: int(np.isnan(run.d7.said[tier]).sum()) for tier in TIERS},
        "predictions": len(run.d7),
    }


def _by_landmark(rows: Judged) -> dict[str, dict[str, float]]:
    return {
        LANDMARKS[number]: {
            tier: log_loss(rows.only(rows.landmark == number), tier) for tier in TIERS
        }
        for number in np.unique(rows.landmark).tolist()
    }
