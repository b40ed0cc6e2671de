"""The live pair model between the two packages that do not meet: what decides, and what learns."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from attribution.probabilistic.choice_fit import Choice, fit_choices
from attribution.probabilistic.pair_model import DELAY_BINS, DeviceOdds, PairModel, PlaceOdds
from attribution.probabilistic.pair_score import delay_level, source_level
from online_models.pairs.match_model import MatchModel
from online_models.pairs.pair_weights import (
    NO_MATCH,
    Calibration,
    PairWeights,
    ScoredInstall,
    level_name,
)
from schemas.records import PAIR_FEATURES, TouchKind

_PLACE, _DEVICE, _DELAY, _SOURCE = PAIR_FEATURES


class PublishedPairModel(PairModel, frozen=True, kw_only=True):
    """A pair model that was learned live, under the name of its version."""

    published: str

    @property
    def version(self) -> str:
        return self.published


def pair_weights_of(model: PairModel) -> PairWeights:
    """The numbers of a pair model, by level."""
    odds = {
        level_name(_DELAY, delay_level(kind, number)): by_bin[number]
        for kind, by_bin in (
            (TouchKind.CLICK, model.click_delay),
            (TouchKind.IMPRESSION, model.view_delay),
        )
        for number in range(DELAY_BINS)
    }
    for feature, table in ((_PLACE, model.place), (_DEVICE, model.device)):
        values = msgspec.structs.asdict(table)
        odds |= {level_name(feature, level): value for level, value in values.items()}
    for source, by_bin in model.source_delay.items():
        for number, value in enumerate(by_bin):
            odds[level_name(_SOURCE, source_level(source, number))] = value
    return PairWeights(odds, Calibration(model.slope, model.crowding, model.null))


def pair_model_of(live: MatchModel) -> PublishedPairModel:
    """The pair model that a version is. What it has never seen says nothing."""
    odds, (slope, crowding, null) = live.weights.odds, live.weights.calibration

    def table(feature: str, levels: Sequence[str]) -> dict[str, float]:
        return {level: odds.get(level_name(feature, level), 0.0) for level in levels}

    def delays(kind: TouchKind) -> tuple[float, ...]:
        levels = [delay_level(kind, number) for number in range(DELAY_BINS)]
        return tuple(table(_DELAY, levels).values())

    return PublishedPairModel(
        place=PlaceOdds(**table(_PLACE, PlaceOdds.__struct_fields__)),
        device=DeviceOdds(**table(_DEVICE, DeviceOdds.__struct_fields__)),
        click_delay=delays(TouchKind.CLICK),
        view_delay=delays(TouchKind.IMPRESSION),
        slope=slope,
        crowding=crowding,
        null=null,
        published=live.version,
    )


def calibrate(installs: Sequence[ScoredInstall]) -> Calibration:
    """The calibration of scores, as a fit to a history finds it."""
    return Calibration(
        *fit_choices(
            Choice(one.scores, None if one.match == NO_MATCH else one.match) for one in installs
        )
    )
