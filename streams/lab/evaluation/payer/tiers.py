"""What each tier costs: all of them predict everything, so that their difference is measured."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from streams.lab.evaluation.payer.judged_predictions import (
    JudgedPredictions,
    excess_entropy,
    mean_log_loss,
    reliability_against_truth,
)
from streams.lab.evaluation.payer.payer_models import PAYER_TIERS
from streams.lab.evaluation.payer.runs import PayerRun, replay_payer_worlds
from streams.lab.evaluation.replay.world_plan import WorldPlan
from streams.lab.evaluation.rounded import rounded
from streams.lab.simulator.paying_worlds.steps import LANDMARK_NAMES
from streams.progress import Progress


def evaluate_tiers(plan: WorldPlan, advance: Progress) -> dict[str, dict[str, Any]]:
    """By world and disturbance: log loss in nats per prediction, for D7."""
    return tiers_of(replay_payer_worlds(plan, advance, has_river=False))


def tiers_of(runs: Iterable[PayerRun]) -> dict[str, dict[str, Any]]:
    """The same for runs that were made already."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run.world, {})[run.disturbance] = rounded(_figures(run))
    return found


def _figures(run: PayerRun) -> dict[str, Any]:
    losses = {tier: mean_log_loss(run.d7, tier) for tier in PAYER_TIERS}
    return {
        "log_loss": losses,
        "is_ordered": all(better < worse for better, worse in pairwise(losses.values())),
        "normalised_entropy" if run.is_own else "excess_ne": {
            tier: excess_entropy(run.d7, tier) for tier in PAYER_TIERS
        },
        "calibration_ratio": {
            tier: reliability_against_truth(run.d7, tier).ratio for tier in PAYER_TIERS
        },
        "by_landmark": _by_landmark(run.d7),
        "unanswered": {tier: int(np.isnan(run.d7.predicted[tier]).sum()) for tier in PAYER_TIERS},
        "predictions": len(run.d7),
    }


def _by_landmark(rows: JudgedPredictions) -> dict[str, dict[str, float]]:
    return {
        LANDMARK_NAMES[number]: {
            tier: mean_log_loss(rows.only(rows.landmark == number), tier) for tier in PAYER_TIERS
        }
        for number in np.unique(rows.landmark).tolist()
    }
