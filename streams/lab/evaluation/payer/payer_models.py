"""The payer model with its tiers, and its challengers: a kernel that waits, and River."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np

from online_models.hazard.bins import PAYER, Horizon, Shape
from online_models.hazard.encoding import Encoder, Packed
from online_models.hazard.model import Ask, HazardModel, HazardRules
from online_models.hazard.packed import PackedAsk, PackedGroup, PackedSnapshot
from online_models.hazard.persistence import dump_hazard_model, load_hazard_model
from online_models.persistence.envelope import Unusable
from online_models.scoring.shrunk_rates import InstallOrigin, ShrunkRates
from streams.lab.evaluation.payer.river_challengers import RiverChallengers
from streams.lab.evaluation.replay.world_features import NamedFeatures
from streams.lab.simulator.draws import FloatColumn

PAYER_TIERS = ("full", "install_only", "rates", "constant")
"""Best first: where one cannot answer, the next one does."""

WAITING = "waiting"
"""The same kernel, which learns each label only when its horizon is over."""

CHALLENGERS = (WAITING, "river", "river_defer")
_D7_MS = next(one.after_ms for one in PAYER.horizons if one.name == "d7")
_LANDMARK_MS = [landmark.after_ms for landmark in PAYER.landmarks]
_FIRST_BIN = [PAYER.first_bin(number) for number in range(len(PAYER.landmarks))]


class FrozenFeatures(NamedTuple):
    """Features as they were at a landmark. By name only where River needs the names."""

    packed: Packed
    named: NamedFeatures


class Question(NamedTuple):
    """How likely is it that an install pays, asked at a landmark?"""

    install: int
    landmark: int
    frozen: FrozenFeatures
    at_install: FrozenFeatures
    platform: str
    place: InstallOrigin


class BinEnd(NamedTuple):
    """The outcome of a bin of an install: one row per landmark before the end of the bin."""

    bin: int
    label: bool
    frozen: Sequence[FrozenFeatures]  # from the first landmark on
    platform: str
    place: InstallOrigin


def _model(shape: Shape) -> HazardModel:
    return HazardModel(HazardRules(shape=shape))


def _waiting_for(name: str) -> HazardModel:
    """A model of one bin: asked about at every landmark before it, known at the horizon."""
    end = next(one.after_ms for one in PAYER.horizons if one.name == name)
    landmarks = tuple(one for one in PAYER.landmarks if one.after_ms <= end)
    return _model(Shape((end, end + 1), landmarks, (Horizon("end", end + 1),)))


@dataclass(slots=True)
class PayerModels:
    """All that learn from one replay. `river=None` leaves River's challengers out."""

    model: HazardModel = field(default_factory=lambda: _model(PAYER))
    rates: ShrunkRates = field(default_factory=ShrunkRates)
    waiting: dict[str, HazardModel] = field(
        default_factory=lambda: {name: _waiting_for(name) for name in ("d7", "d30")}
    )
    river: RiverChallengers | None = field(default_factory=RiverChallengers)
    encoder: Encoder = field(
        default_factory=lambda: Encoder(HazardRules().slots, HazardRules().seed)
    )

    def copy(self) -> PayerModels:
        """Equal models that learn apart from here on."""
        return PayerModels(
            _copied(self.model),
            copy.deepcopy(self.rates),
            {name: _copied(model) for name, model in self.waiting.items()},
            copy.deepcopy(self.river),
            self.encoder,
        )

    def freeze(self, features: NamedFeatures, landmark: int) -> FrozenFeatures:
        if self.river is None:
            return FrozenFeatures(self.encoder.pack(features), {})
        # The hazard model has an intercept for each landmark; River learns it as a feature.
        level = {f"landmark={PAYER.landmarks[landmark].name}": 1.0}
        return FrozenFeatures(self.encoder.pack(features), features | level)

    def learn_bins(self, ends: Sequence[BinEnd]) -> None:
        self.model.learn_packed(
            [
                PackedGroup(
                    one.bin,
                    one.label,
                    one.platform,
                    [
                        PackedSnapshot(landmark, *frozen.packed)
                        for landmark, frozen in enumerate(one.frozen)
                        if _FIRST_BIN[landmark] <= one.bin
                    ],
                )
                for one in ends
            ]
        )
        for end in ends:
            self.rates.learn(end.place, end.bin, end.label)

    def learn_horizon(self, horizon: str, rows: Sequence[tuple[Question, bool]]) -> None:
        """Rows of one install have to follow one another."""
        self.waiting[horizon].learn_packed(
            [
                PackedGroup(
                    0,
                    label,
                    asked.platform,
                    [PackedSnapshot(one.landmark, *one.frozen.packed) for one in rows_],
                )
                for (asked, label), rows_ in _by_install(rows)
            ]
        )
        if horizon == "d7" and self.river is not None:
            for asked, label in rows:
                self.river.learn_at_horizon(asked.frozen.named, label)

    def learn_payments(self, paid: Sequence[Question]) -> None:
        """Payments, as soon as they are known. Only River's DEFER learns before the bin ends."""
        if self.river is not None:
            for asked in paid:
                self.river.learn_payment(asked.frozen.named)

    def predict(self, asked: Sequence[Question]) -> dict[str, FloatColumn]:
        """Question × (d7, d30), by model; NaN: no answer, or the horizon has passed."""
        scorer = self.model.scorer
        return {
            "full": _pairs(scorer.score_packed([_full(one) for one in asked])),
            "install_only": _pairs(scorer.score_packed([_install_only(one) for one in asked])),
            "rates": _pairs(
                [self.rates.score(one.place, _LANDMARK_MS[one.landmark]) for one in asked]
            ),
            "constant": _pairs([_CONSTANT[one.landmark] for one in asked]),
            WAITING: self._waited(asked),
            **self._of_river(asked),
        }

    def _waited(self, asked: Sequence[Question]) -> FloatColumn:
        asks = [PackedAsk(*one.frozen.packed, one.landmark, one.platform) for one in asked]
        scores = [self.waiting[name].scorer.score_packed(asks) for name in ("d7", "d30")]
        return np.array(
            [[one["end"] if one else np.nan for one in horizon] for horizon in scores]
        ).T.reshape(-1, 2)

    def _of_river(self, asked: Sequence[Question]) -> dict[str, FloatColumn]:
        if self.river is None:
            return {}
        # From the seventh day on nothing is left to predict, or to learn.
        is_open = [_LANDMARK_MS[one.landmark] < _D7_MS for one in asked]
        chances = iter(
            self.river.ask(one.frozen.named for one, ok in zip(asked, is_open, strict=True) if ok)
        )
        rows = [next(chances) if ok else {} for ok in is_open]
        return {
            name: np.array([[one.get(name, np.nan), np.nan] for one in rows]).reshape(-1, 2)
            for name in ("river", "river_defer")
        }


def _full(asked: Question) -> PackedAsk:
    return PackedAsk(*asked.frozen.packed, asked.landmark, asked.platform)


def _install_only(asked: Question) -> PackedAsk:
    """Features of the install, and that it has not paid since."""
    return PackedAsk(*asked.at_install.packed, 0, asked.platform, _LANDMARK_MS[asked.landmark])


def _by_install(
    rows: Sequence[tuple[Question, bool]],
) -> Iterator[tuple[tuple[Question, bool], list[Question]]]:
    """For each install: its first row, and all its questions."""
    for _, found in groupby(rows, key=lambda row: row[0].install):
        own = list(found)
        yield own[0], [asked for asked, _ in own]


def _pairs(scores: Sequence[dict[str, float] | None]) -> FloatColumn:
    return np.array(
        [
            [one.get("d7", np.nan), one.get("d30", np.nan)] if one else [np.nan, np.nan]
            for one in scores
        ]
    ).reshape(-1, 2)


def _copied(model: HazardModel) -> HazardModel:
    copied = load_hazard_model(dump_hazard_model(model), model.rules, model.scorer.kernel)
    if isinstance(copied, Unusable):
        raise RuntimeError(f"a checkpoint just written is unusable: {copied.reason}")
    return copied


def _constants() -> list[dict[str, float]]:
    """What a model predicts that has learned nothing: the prior."""
    scores = _model(PAYER).score_many([Ask({}, number) for number, _ in enumerate(_LANDMARK_MS)])
    return [one or {} for one in scores]


_CONSTANT = _constants()
