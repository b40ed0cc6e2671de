"""What the models cost: microseconds of CPU per step, on one core.

python -m tests.benchmarks.bench_models [--installs N] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from online_models import checkpoints, features, labels, snapshots
from online_models.fallback import Tiers
from online_models.hazard.model import Ask, HazardModel
from online_models.labels import PayerState
from online_models.landmarks import DAY_MS, matures_at
from online_models.learner import Learner, LearnerRules
from online_models.payer import Scorer, new_river_model
from schemas.records import Example
from tests.unit import hazard_world, model_world
from tests.unit.model_world import Life

encoder = msgspec.msgpack.Encoder()
decoder = msgspec.msgpack.Decoder(PayerState)


def _microseconds(work: Callable[[], object], steps: int) -> float:
    started = time.process_time()
    work()
    return round((time.process_time() - started) * 1e6 / steps, 2)


def _whole_install(life: Life, tiers: Tiers) -> bytes:
    """Everything an install costs here, its state decoded and encoded at every touch."""
    facts = life.facts
    encoded = encoder.encode(labels.NEW)
    for activity in life.activities:
        before = decoder.decode(encoded)
        encoded = encoder.encode(labels.see_activity(before, facts.installed_at, activity))
    while due := labels.next_due(state := decoder.decode(encoded), facts.installed_at):
        encoded = encoder.encode(labels.reach(state, facts, life.credit, due, tiers).state)
    return encoded


def _costs_of_an_install(lives: list[Life], scorer: Scorer) -> dict[str, float]:
    tiers, constant = Tiers(0.05, scorer), Tiers(0.05)
    states = [model_world.seen(life) for life in lives]
    pairs = list(zip(lives, states, strict=True))
    rows = [features.features_at(2, life.facts, life.credit, state.tally) for life, state in pairs]
    landmarks = len(lives) * 3

    def extract() -> object:
        return [features.features_at(2, life.facts, life.credit, s.tally) for life, s in pairs]

    def reach() -> object:
        return [
            labels.reach(s, life.facts, life.credit, life.facts.installed_at + DAY_MS, constant)
            for life, s in pairs
        ]

    return {
        "features": _microseconds(extract, len(lives)),
        "score": _microseconds(lambda: [scorer.score(row) for row in rows], len(rows)),
        "landmark": _microseconds(reach, landmarks),
        "see_activity": _microseconds(
            lambda: [model_world.seen(life) for life in lives],
            sum(len(life.activities) for life in lives),
        ),
        "install_with_3_landmarks": _microseconds(
            lambda: [_whole_install(life, tiers) for life in lives], len(lives)
        ),
    }


def _costs_of_learning(examples: list[Example]) -> dict[str, float]:
    river = new_river_model()
    learner = Learner(LearnerRules())
    costs = {
        "river_learn": _microseconds(
            lambda: [river.learn_one(row.features, row.label) for row in examples], len(examples)
        ),
        "river_predict": _microseconds(
            lambda: [river.predict_proba_one(row.features) for row in examples], len(examples)
        ),
        "learner_row": _microseconds(lambda: learner.learn(examples), len(examples)),
    }
    content = checkpoints.dump_learner(learner)
    snapshot = learner.snapshot()
    return {
        **costs,
        "checkpoint": _microseconds(lambda: checkpoints.dump_learner(learner), 1),
        "restore": _microseconds(lambda: checkpoints.load_learner(content, LearnerRules()), 1),
        "load_snapshot": _microseconds(lambda: snapshots.load_scorer(snapshot.content), 1),
        "checkpoint_bytes": len(content),
        "snapshot_bytes": len(snapshot.content),
        "weights": len(learner.model.weights),
    }


def _costs_of_hazards(rows: int) -> dict[str, float]:
    """The payer hazard model by each kernel that can run here."""
    made = hazard_world.rows(rows)
    costs = {}
    for kernel in hazard_world.kernels():
        model = HazardModel(kernel=kernel)
        model.learn(made[:100])
        model.score(made[0].features, 0)
        learn = partial(model.learn, made)
        score = partial(model.score_many, [Ask(row.features, row.landmark) for row in made])
        costs[f"hazard_learn_{kernel.name}"] = _microseconds(learn, rows)
        costs[f"hazard_score_{kernel.name}"] = _microseconds(score, rows)
    return costs


def measure(installs: int) -> dict[str, float]:
    """Microseconds of CPU per step; sizes in bytes."""
    lives = list(model_world.lives(installs, seed=1))
    examples = model_world.examples(installs, seed=1)
    learner = Learner(LearnerRules())
    learner.learn(examples)
    scorer = snapshots.load_scorer(learner.snapshot().content)
    assert isinstance(scorer, Scorer)
    encoded = [len(encoder.encode(_scored(life))) for life in lives]
    return {
        **_costs_of_an_install(lives, scorer),
        **_costs_of_learning(examples),
        **_costs_of_hazards(installs),
        "open_state_bytes": round(sum(encoded) / len(encoded)),
    }


def _scored(life: Life) -> PayerState:
    at = matures_at(life.facts.installed_at) - 1
    return labels.reach(model_world.seen(life), life.facts, life.credit, at, Tiers(0.05)).state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--installs", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures: dict[str, Any] = measure(chosen.installs)
    if chosen.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:26} {figure:>12,}")


if __name__ == "__main__":
    main()
