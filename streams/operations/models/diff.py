"""Where two versions of a model differ: in evidence, in calibration, in the weights of features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from online_models.hazard.encoding import Encoder
from online_models.hazard.scorer import HazardScorer
from online_models.targets.targets import Targets
from streams.operations.models.versions import StoredChange, changes_of, hazard_of
from streams.stages.common.snapshot_messages import model_of
from streams.store.base import Store

_NAMES_MAX = 20_000
MOVED_MAX = 15
_NAMES = f"SELECT DISTINCT arrayJoin(mapKeys(features)) FROM features LIMIT {_NAMES_MAX}"


class Moved(NamedTuple):
    """A feature whose weight differs. Features that share a place share their weight."""

    name: str
    before: float
    after: float


class ModelDiff(NamedTuple):
    """`figures`: name to (first, second); NaN where one has none."""

    first: str
    second: str
    figures: dict[str, tuple[float, float]]
    calibration: dict[str, tuple[float, float]]
    """Slope and shift of log odds, by landmark and platform."""
    moved: list[Moved]
    """Features, the most moved first; empty where the weights are not stored."""

    def as_json(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "figures": self.figures,
            "calibration": self.calibration,
            "moved": [one._asdict() for one in self.moved],
        }


def diff(store: Store, targets: Targets, first: str, second: str) -> ModelDiff:
    """Stop when one of them is unknown."""
    figures = _pairs(*(_evidence(changes_of(store, one)) for one in (first, second)))
    scorers = [_scorer(store, targets, version) for version in (first, second)]
    before, after = scorers
    if before is None or after is None:
        return ModelDiff(first, second, figures, {}, [])
    names = [str(row[0]) for row in store.query(_NAMES).rows]
    calibration = _pairs(_maps(before), _maps(after))
    return ModelDiff(first, second, figures, calibration, moved(before, after, names))


def moved(before: HazardScorer, after: HazardScorer, names: Iterable[str]) -> list[Moved]:
    """By the weight that all landmarks and bins share."""
    encoder = Encoder(before.rules.slots, before.rules.seed)
    found = []
    for name in names:
        (slot,) = encoder.encode([{name: 1.0}]).slots
        pair = float(before.weights.w[slot, 0]), float(after.weights.w[slot, 0])
        found.append(Moved(name, *pair))
    found = [one for one in found if one.before != one.after]
    return sorted(found, key=lambda one: (-abs(one.after - one.before), one.name))[:MOVED_MAX]


def _evidence(found: Sequence[StoredChange]) -> dict[str, float]:
    return next((one.figures for one in found if one.figures), {})


def _pairs(first: dict[str, float], second: dict[str, float]) -> dict[str, tuple[float, float]]:
    nothing = float("nan")
    return {
        name: (first.get(name, nothing), second.get(name, nothing))
        for name in dict.fromkeys([*first, *second])
    }


def _scorer(store: Store, targets: Targets, version: str) -> HazardScorer | None:
    """None when it is no hazard model, or its weights are not stored."""
    target = targets.target(model_of(version).removesuffix("/challenger"))
    loaded = hazard_of(store, target, version) if target else None
    return loaded if isinstance(loaded, HazardScorer) else None


def _maps(scorer: HazardScorer) -> dict[str, float]:
    maps = scorer.weights.maps
    found = {}
    for number, landmark in enumerate(scorer.rules.shape.landmarks):
        for place, platform in enumerate(scorer.platforms):
            slope, shift = maps[number, place]
            if np.any(maps[number, place]):
                found[f"slope {landmark.name} {platform}"] = 1.0 + float(slope)
                found[f"shift {landmark.name} {platform}"] = float(shift)
    return found
