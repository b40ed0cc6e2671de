"""How near each method of multi-touch attribution comes to what really caused the installs.

Truth comes from three simulated worlds; only the first is of the learned model's own kind. Paths
go through the learner as they would in production, and every install is credited by the stage's
own functions with the last version published. Figures compare shares of all installs, organic
included; an install of somebody who was never seen is organic by every method. A second run
without signals of intent shows what the learned model owes to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from online_models.credit.hazard import ORGANIC
from online_models.credit.learner import CreditLearner, CreditRules
from online_models.credit.persistence import CreditModel
from schemas.outcomes import CreditMethod
from schemas.records import ExposurePath, Flag
from streams.lab.simulator.credit_worlds import (
    CREDIT_WORLDS,
    RECEIVERS,
    ZERO_EFFECT,
    CreditWorld,
    exposure_paths,
    make_credit_world,
)
from streams.progress import Progress
from streams.stages.journeys.credit_revision import METHODS, learned_shares, rule_shares
from streams.stages.learning.credit_weights import weigh

PERSONS = 20_000
"""Enough for two to three thousand installs caused by advertising in each world."""

CreditByMethod = dict[CreditMethod, dict[str, float]]


def evaluate_credit(seed: int, persons: int, advance: Progress) -> dict[str, Any]:
    """Figures by method and world, for one JSON object; `persons` is people in each world."""
    worlds = {}
    for number, name in enumerate(CREDIT_WORLDS):
        advance("simulating and learning", number, len(CREDIT_WORLDS))
        worlds[name] = _figures(make_credit_world(name, seed, persons))
    advance("simulating and learning", len(CREDIT_WORLDS), len(CREDIT_WORLDS))
    by_method = {
        figure: {
            method: {name: round(found[figure][method], 4) for name, found in worlds.items()}
            for method in METHODS
        }
        for figure in ("tv_error", "zero_effect_credit")
    }
    hazard, last = (by_method["tv_error"][method] for method in ("hazard", "last"))
    return {
        **by_method,
        "below_last_touch": {name: round(1 - hazard[name] / last[name], 4) for name in worlds},
        "truth": {name: found["truth"] for name, found in worlds.items()},
        "hazard_credit": {name: found["hazard_credit"] for name, found in worlds.items()},
        "hazard_without_intent": {
            figure: {name: found["without_intent"][figure] for name, found in worlds.items()}
            for figure in ("tv_error", "zero_effect_credit")
        },
        "installs": {name: found["installs"] for name, found in worlds.items()},
        "persons": persons,
        "seed": seed,
    }


def _figures(world: CreditWorld) -> dict[str, Any]:
    lived = list(exposure_paths(world))
    installs = world.shares.shape[1]
    credited = credit_all(lived, _learned(lived), installs)
    blind = list(map(without_intent, lived))
    credited_blind = credit_all(blind, _learned(blind), installs)["hazard"]
    return {
        "tv_error": {name: total_variation(one, world.truth) for name, one in credited.items()},
        "zero_effect_credit": {name: _zero_effect(one) for name, one in credited.items()},
        "truth": _rounded(world.truth),
        "hazard_credit": _rounded(credited["hazard"]),
        "without_intent": {
            "tv_error": round(total_variation(credited_blind, world.truth), 4),
            "zero_effect_credit": round(_zero_effect(credited_blind), 4),
        },
        "installs": installs,
    }


def without_intent(path: ExposurePath) -> ExposurePath:
    """The same path, as if nobody reported searches, visits and earlier installs."""
    touches = [replace(one, flags=0) for one in path.touches if not one.flags & Flag.OWNED]
    return replace(path, touches=touches, prior_installs=0)


def credit_all(
    lived: Iterable[ExposurePath], model: CreditModel | None, installs: int
) -> CreditByMethod:
    """Share of all installs by method and receiver. People who were never seen have no path."""
    credited: CreditByMethod = {method: {} for method in METHODS}
    unseen = installs
    for path in lived:
        if not path.is_installed:
            continue
        unseen -= 1
        shares = rule_shares(path.touches)
        if model is not None:
            shares |= learned_shares(
                path.app_id, path.touches, path.end_time, path.prior_installs, model
            )
        for method, parts in shares.items():
            _add(credited[method], parts)
    for parts in credited.values():
        _add(parts, {ORGANIC: float(unseen)})
    return {
        method: {name: amount / installs for name, amount in parts.items()}
        for method, parts in credited.items()
    }


def total_variation(credited: Mapping[str, float], truth: Mapping[str, float]) -> float:
    """Half the sum of absolute differences: the share of credit with the wrong receiver."""
    return sum(abs(credited.get(name, 0.0) - truth[name]) for name in RECEIVERS) / 2


def _zero_effect(credited: Mapping[str, float]) -> float:
    return sum(credited.get(channel, 0.0) for channel in ZERO_EFFECT)


def _learned(lived: list[ExposurePath]) -> CreditModel | None:
    """The last version that passed its gates, after all paths."""
    learner = CreditLearner(CreditRules(), weigh)
    learner.learn(lived)
    return learner.champion


def _add(amounts: dict[str, float], parts: Mapping[str, float]) -> None:
    for name, part in parts.items():
        amounts[name] = amounts.get(name, 0.0) + part


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(shares.get(name, 0.0), 4) for name in RECEIVERS}
