"""The difference of two model versions: evidence, calibration and weights of features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from online_models.challengers.declaration import target_of
from online_models.features.carried import carried_features
from online_models.hazard.encoding import Encoder
from online_models.hazard.scorer import HazardScorer
from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.targets import Targets
from streams.operations.models.versions import StoredChange, changes_of, hazard_of
from streams.stages.common.snapshot_messages import model_of
from streams.store.base import Store

_NAMES_MAX = 20_000
MOVED_MAX = 15
"""Features shown: those whose weights differ most."""

_NAMES = f"SELECT DISTINCT arrayJoin(mapKeys(features)) FROM features LIMIT {_NAMES_MAX}"


class Moved(NamedTuple):
    """A feature whose weight differs. Features that share a hash slot share their weight."""

    name: str
    before: float
    after: float


class ModelDiff(NamedTuple):
    """Two versions side by side. Pairs are (first, second); NaN where a version has no figure."""

    first: str
    second: str
    figures: dict[str, tuple[float, float]]
    calibration: dict[str, tuple[float, float]]
    """Slope and shift of the log odds, by landmark and platform."""
    moved: list[Moved]
    """Features whose weights differ most; empty when the weights of a version are not stored."""

    def as_json(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "figures": self.figures,
            "calibration": self.calibration,
            "moved": [feature._asdict() for feature in self.moved],
        }


def diff(store: Store, targets: Targets, first: str, second: str) -> ModelDiff:
    """Compare two stored versions. Stop when one of them is unknown."""
    figures = _pairs(*(_evidence(changes_of(store, version)) for version in (first, second)))
    scorers = [_scorer(store, targets, version) for version in (first, second)]
    before, after = scorers
    if before is None or after is None:
        return ModelDiff(first, second, figures, {}, [])
    names = with_carried([str(row[0]) for row in store.query(_NAMES).rows])
    calibration = _pairs(_maps(before), _maps(after))
    return ModelDiff(first, second, figures, calibration, moved(before, after, names))


def with_carried(names: Iterable[str]) -> list[str]:
    """Names of features with those of later landmarks at which nothing was new: models learn from
    them, but no row of features has them."""
    found = dict.fromkeys(names)
    for name in list(found):
        at = name.rpartition("@")[2].partition("=")[0]
        is_later = False
        for landmark in LANDMARKS:
            if is_later:
                found |= dict.fromkeys(carried_features({name: 1.0}, at, landmark.name))
            is_later = is_later or landmark.name == at
    return [*found]


def moved(before: HazardScorer, after: HazardScorer, names: Iterable[str]) -> list[Moved]:
    """The features whose weights, shared by all landmarks and bins, differ most."""
    encoder = Encoder(before.rules.slots, before.rules.seed)
    found = []
    for name in names:
        (slot,) = encoder.encode([{name: 1.0}]).slots
        pair = float(before.weights.w[slot, 0]), float(after.weights.w[slot, 0])
        found.append(Moved(name, *pair))
    differing = [feature for feature in found if feature.before != feature.after]
    by_size = sorted(
        differing, key=lambda feature: (-abs(feature.after - feature.before), feature.name)
    )
    return by_size[:MOVED_MAX]


def _evidence(found: Sequence[StoredChange]) -> dict[str, float]:
    return next((change.figures for change in found if change.figures), {})


def _pairs(first: dict[str, float], second: dict[str, float]) -> dict[str, tuple[float, float]]:
    nothing = float("nan")
    return {
        name: (first.get(name, nothing), second.get(name, nothing))
        for name in dict.fromkeys([*first, *second])
    }


def _scorer(store: Store, targets: Targets, version: str) -> HazardScorer | None:
    """None when the version is not of a hazard model, or its weights are not stored."""
    target = targets.target(target_of(model_of(version)))
    loaded = hazard_of(store, target, version) if target else None
    return loaded if isinstance(loaded, HazardScorer) else None


def _maps(scorer: HazardScorer) -> dict[str, float]:
    maps = scorer.weights.maps
    found = {}
    for number, landmark in enumerate(scorer.rules.shape.landmarks):
        for column, platform in enumerate(scorer.platforms):
            slope, shift = maps[number, column]
            if np.any(maps[number, column]):
                found[f"slope {landmark.name} {platform}"] = 1.0 + float(slope)
                found[f"shift {landmark.name} {platform}"] = float(shift)
    return found
