"""Fits a pair model to installs whose touchpoint is known by an id that the model does not see.

The tables are counts. The calibration is fitted on installs that the tables have not counted, so
that it does not overfit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from attribution.probabilistic.choice_fit import Choice, fit_choices
from attribution.probabilistic.pair_model import DELAY_BINS, DeviceOdds, PairModel, PlaceOdds
from attribution.probabilistic.pair_score import (
    delay_bin,
    delay_level,
    device_level,
    place_level,
    score_pair,
)
from schemas.records import Installed, Touch, TouchKind

SMOOTHING = 1.0
"""Pseudo-count of every level, split into true and other pairs as all pairs are."""

SOURCE_STRENGTH = 10.0
"""Pairs per bin at which the delays of a media source weigh as much as those of all sources."""


class KnownMatch(Struct, frozen=True, gc=False):
    """An install, its candidates when ids are hidden, and the touchpoint that the ids name."""

    install: Installed
    touches: list[Touch]
    touch_id: str  # of the touchpoint that led to it; "": none of them


def fit_pair_model(known: Iterable[KnownMatch]) -> PairModel:
    """Fit a model to known matches. ValueError: none of them has a true pair."""
    usable = [one for one in known if one.touches]
    if not any(_truth(one) is not None for one in usable):
        raise ValueError("no install with a known touchpoint among its candidates")
    halves = usable[0::2], usable[1::2]
    tables = _tables(halves[1]), _tables(halves[0])
    choices = [
        _choice(one, model) for model, half in zip(tables, halves, strict=True) for one in half
    ]
    slope, crowding, null = fit_choices(choices)
    return replace(_tables(usable), slope=slope, crowding=crowding, null=null)


class _Counts:
    """How often each level occurred in true pairs and in others."""

    def __init__(self) -> None:
        self.true: Counter[str] = Counter()
        self.other: Counter[str] = Counter()

    def add(self, level: str, is_true: bool) -> None:
        (self.true if is_true else self.other)[level] += 1

    def odds(self, levels: Sequence[str]) -> list[float]:
        """Natural log of m/u of each level; 0 for a level that never occurred."""
        true, other = self.true.total(), self.other.total()
        if not true or not other:
            return [0.0] * len(levels)
        unseen_true = SMOOTHING * true / (true + other)
        unseen_other = SMOOTHING - unseen_true
        return [
            math.log((self.true[level] + unseen_true) / true)
            - math.log((self.other[level] + unseen_other) / other)
            for level in levels
        ]


def _tables(known: Sequence[KnownMatch]) -> PairModel:
    place, device, delay = _Counts(), _Counts(), _Counts()
    by_source: dict[str, Counter[str]] = {}
    for match in known:
        truth = _truth(match)
        for number, touch in enumerate(match.touches):
            is_true = number == truth
            place.add(place_level(touch, match.install), is_true)
            device.add(device_level(touch, match.install), is_true)
            waited = delay_level(touch.kind, delay_bin(touch, match.install))
            delay.add(waited, is_true)
            if is_true:
                by_source.setdefault(touch.media_source, Counter())[waited] += 1
    levels = [delay_level(kind, number) for kind in TouchKind for number in range(DELAY_BINS)]
    odds = dict(zip(levels, delay.odds(levels), strict=True))
    return PairModel(
        place=_place_odds(place),
        device=_device_odds(device),
        click_delay=_of_kind(odds, TouchKind.CLICK),
        view_delay=_of_kind(odds, TouchKind.IMPRESSION),
        source_delay={
            source: _source_odds(seen, delay.true) for source, seen in sorted(by_source.items())
        },
    )


def _place_odds(counts: _Counts) -> PlaceOdds:
    levels = PlaceOdds.__struct_fields__
    return PlaceOdds(**dict(zip(levels, _rounded(counts.odds(levels)), strict=True)))


def _device_odds(counts: _Counts) -> DeviceOdds:
    levels = DeviceOdds.__struct_fields__
    return DeviceOdds(**dict(zip(levels, _rounded(counts.odds(levels)), strict=True)))


def _of_kind(odds: dict[str, float], kind: TouchKind) -> tuple[float, ...]:
    return _rounded([odds[delay_level(kind, number)] for number in range(DELAY_BINS)])


def _source_odds(seen: Counter[str], everybody: Counter[str]) -> tuple[float, ...]:
    """Log ratio, per delay bin, of this source to all sources; clicks and views together."""
    odds = []
    for number in range(DELAY_BINS):
        levels = [delay_level(kind, number) for kind in TouchKind]
        usual = sum(everybody[level] for level in levels) / everybody.total()
        expected = usual * seen.total() + SOURCE_STRENGTH
        odds.append(math.log((sum(seen[level] for level in levels) + SOURCE_STRENGTH) / expected))
    return _rounded(odds)


def _rounded(odds: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(one, 4) for one in odds)


def _choice(known: KnownMatch, model: PairModel) -> Choice:
    scores = [score_pair(touch, known.install, model) for touch in known.touches]
    return Choice(scores, _truth(known))


def _truth(known: KnownMatch) -> int | None:
    for number, touch in enumerate(known.touches):
        if touch.touch_id == known.touch_id:
            return number
    return None
