"""What a model gains by forgetting after an alarm.

A model with a long past meets a change, of one media source or of all. Once it goes on as it is,
once it forgets after each alarm (`forgetting`), on the same rows. The figure is its loss against
the true chances in the rows after the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from online_models.drift.watch import DriftStream, DriftWatch
from online_models.hazard.evidence_decay import forget_evidence
from online_models.hazard.model import HazardModel, HazardRow, HazardRules
from online_models.hazard.persistence import dump_hazard_model, load_hazard_model
from online_models.hazard.rules import Numbers
from streams.progress import Progress

HISTORY, AFTER = 300_000, 40_000
"""Rows, one for each bin of an install."""

_SHIFT = 1.5
"""In log odds. The model follows a smaller one before there is an alarm."""

CHUNK = 256
"""Rows between two looks at alarms."""

SOURCES, COUNTRIES, BINS = 3, 20, 3
LOG_ODDS = -4.0
RULES = HazardRules(slots=2**12)


class Drawn(NamedTuple):
    source: str
    row: HazardRow
    chance: float  # the true one


class Lost(NamedTuple):
    """Excess normalised entropy after the shift, as a fraction, and alarms raised there."""

    excess: float
    alarms: int


def evaluate_response(seed: int, seeds: int, advance: Progress) -> dict[str, Any]:
    """Figures for a shift of one source and of all, on average over seeds."""
    found: dict[str, list[tuple[Lost, Lost]]] = {"one source": [], "all sources": []}
    for number in range(seeds):
        advance("what a model does on an alarm", number, seeds)
        drawing = np.random.default_rng(seed + number)
        world = drawing.normal(0, 0.5, SOURCES + COUNTRIES)
        model = HazardModel(RULES)
        model.learn([drawn.row for drawn in _rows(drawing, world, HISTORY)])
        content = dump_hazard_model(model)
        for name, pairs in found.items():
            changed = world.copy()
            changed[: 1 if name == "one source" else SOURCES] += _SHIFT
            rows = _rows(drawing, changed, AFTER)
            pairs.append((lost_after(content, rows, False), lost_after(content, rows, True)))
    return {
        f"shift of {name}": {
            "excess_ne_going_on": round(fmean(going_on.excess for going_on, _ in pairs), 5),
            "excess_ne_loosened": round(fmean(loosened.excess for _, loosened in pairs), 5),
            "alarms": round(fmean(loosened.alarms for _, loosened in pairs), 2),
        }
        for name, pairs in found.items()
    }


def lost_after(content: bytes, rows: Sequence[Drawn], loosens: bool) -> Lost:
    model = load_hazard_model(content, RULES)
    assert isinstance(model, HazardModel)
    watch = DriftWatch()
    predicted: list[float] = []
    for first in range(0, len(rows), CHUNK):
        chunk = rows[first : first + CHUNK]
        chances = model.learn([drawn.row for drawn in chunk]).tolist()
        predicted.extend(chances)
        alarms = [
            watch.feed(DriftStream("residual", "payer", "", "app.one", source), missed, first)
            for drawn, chance in zip(chunk, chances, strict=True)
            for missed in [drawn.row.label - chance]
            for source in ("", drawn.source)
        ]
        if loosens and any(alarms):
            forget_evidence(model)
    return Lost(excess_log_loss(predicted, [drawn.chance for drawn in rows]), watch.counts.alarms)


def excess_log_loss(predicted: Sequence[float], true: Sequence[float]) -> float:
    """Expected log loss over that of the true chances, minus 1."""
    p, q = np.array(true), np.array(predicted)
    own = -(p * np.log(p) + (1 - p) * np.log1p(-p)).sum()
    lost = -(p * np.log(q) + (1 - p) * np.log1p(-q)).sum()
    return float(lost / own - 1.0)


def _rows(drawing: np.random.Generator, world: Numbers, count: int) -> list[Drawn]:
    """`world`: effects on the log odds, of sources and then of countries."""
    sources = drawing.integers(SOURCES, size=count)
    countries = drawing.integers(COUNTRIES, size=count)
    interests = np.clip(drawing.normal(size=count), -6.0, 6.0)
    log_odds = LOG_ODDS + world[sources] + world[SOURCES + countries] + 0.6 * interests
    chances = 1.0 / (1.0 + np.exp(-log_odds))
    labels = drawing.random(count) < chances
    bins = drawing.integers(BINS, size=count)
    columns = (sources, countries, interests, bins, labels, chances)
    return [_drawn(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _drawn(
    source: int, country: int, interest: float, bin_: int, label: bool, chance: float
) -> Drawn:
    features = {f"source={source}": 1.0, f"country={country}": 1.0, "interest": interest}
    return Drawn(str(source), HazardRow(features, 0, bin_, label, "android"), chance)
