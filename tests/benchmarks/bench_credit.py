"""What learned credit costs, and what fitting a window gains over projected AdaGrad.

python -m tests.benchmarks.bench_credit [--persons N] [--seed N] [--json]

Times are microseconds of CPU per step on one core. AdaGrad gets one pass over the same paths at
several rates of learning; the rate that comes nearest to the truth is shown, though nobody could
know it in production.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from online_models.credit.exposures import watch_path
from online_models.credit.hazard import ORGANIC, CreditHazard
from online_models.credit.hazard_fit import fit_hazard
from online_models.credit.learner import CreditLearner, CreditRules
from online_models.credit.persistence import CreditModel, load_credit_model
from online_models.credit.window import PathWindow
from schemas.records import ExposurePath
from streams.lab.evaluation.credit import total_variation
from streams.lab.simulator.credit_worlds import (
    CREDIT_WORLDS,
    ZERO_EFFECT,
    CreditWorld,
    exposure_paths,
    make_credit_world,
)
from streams.stages.journeys.credit_revision import learned_shares, rule_shares
from streams.stages.learning.credit_weights import weigh
from tests.benchmarks.adagrad_credit import AdaGrad

RATES = tuple(product((0.002, 0.005, 0.02), (0.03, 0.1, 0.3)))


def measure(persons: int, seed: int) -> dict[str, Any]:
    worlds = [make_credit_world(name, seed, persons) for name in CREDIT_WORLDS]
    return {**_costs(list(exposure_paths(worlds[0]))), **{one.name: _gain(one) for one in worlds}}


def _costs(lived: list[ExposurePath]) -> dict[str, float]:
    window = PathWindow()
    watches = [watch_path(one) for one in lived]
    learner = CreditLearner(CreditRules(), weigh)
    learn = _microseconds(lambda: learner.learn(lived), len(lived))
    assert isinstance(learner.champion, CreditModel)
    model = learner.champion
    installs = [one for one in lived if one.is_installed]

    def add() -> None:
        for one, watched in zip(lived, watches, strict=True):
            window.add(one, watched)

    def share() -> None:
        for one in installs:
            learned_shares(one.app_id, one.touches, one.end_time, one.prior_installs, model)

    parts = learner.dump({})
    return {
        "watch_path": _microseconds(lambda: [watch_path(one) for one in lived], len(lived)),
        "add_to_window": _microseconds(add, len(lived)),
        "fit_window": _microseconds(lambda: fit_hazard(window, None), 1),
        "refit_window": _microseconds(lambda: fit_hazard(window, model.hazard), 1),
        "learn_path": learn,
        "share_by_rules": _microseconds(
            lambda: [rule_shares(one.touches) for one in installs], len(installs)
        ),
        "share_by_model": _microseconds(share, len(installs)),
        "checkpoint": _microseconds(lambda: learner.dump(parts), 1),
        "checkpoint_bytes": sum(map(len, parts.values())),
        "snapshot_bytes": len(learner.champion_content),
        "load_snapshot": _microseconds(lambda: load_credit_model(learner.champion_content), 1),
        "touches_per_path": sum(len(one.touches) for one in lived) / len(lived),
    }


def _gain(world: CreditWorld) -> dict[str, Any]:
    lived = list(exposure_paths(world))
    watches = [watch_path(one) for one in lived]
    window = PathWindow()
    for one, watched in zip(lived, watches, strict=True):
        window.add(one, watched)
    tried = {}
    for rates in RATES:
        learner = AdaGrad(*rates)
        learner.learn(watches)
        tried[rates] = _judged(learner.model(lived[0].app_id), lived, world)
    best = min(tried, key=lambda rates: tried[rates]["tv_error"])
    return {
        "window": _judged(fit_hazard(window, None), lived, world),
        "adagrad": {**tried[best], "rates": best},
        "adagrad_worst": max(tried.values(), key=lambda found: found["tv_error"]),
    }


def _judged(model: CreditHazard, lived: list[ExposurePath], world: CreditWorld) -> dict[str, float]:
    loss, credited = 0.0, dict.fromkeys((*world.truth,), 0.0)
    installs = world.shares.shape[1]
    credited[ORGANIC] = float(installs - sum(one.is_installed for one in lived))
    for one in lived:
        watched = watch_path(one)
        loss += model.loss(one.app_id, watched)
        if watched.installed is not None:
            for channel, share in model.shares(one.app_id, watched.installed).items():
                credited[channel] += share
    shares: Mapping[str, float] = {name: part / installs for name, part in credited.items()}
    return {
        "tv_error": round(total_variation(shares, world.truth), 4),
        "zero_effect_credit": round(sum(shares[name] for name in ZERO_EFFECT), 4),
        "loss_per_install": round(loss / installs, 4),
    }


def _microseconds(work: Callable[[], object], steps: int) -> float:
    started = time.process_time()
    work()
    return round((time.process_time() - started) * 1e6 / steps, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = measure(chosen.persons, chosen.seed)
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        if isinstance(figure, dict):
            for way, found in figure.items():
                print(f"{name:12} {way:14} {found}")
        else:
            print(f"{name:20} {figure:>12,}")


if __name__ == "__main__":
    main()
