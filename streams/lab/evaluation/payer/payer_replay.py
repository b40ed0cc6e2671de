"""Payer models live through a log: they predict at landmarks, and learn bins, horizons, payments.

Nothing is known before it was logged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np

from online_models.scoring.shrunk_rates import InstallOrigin
from streams.lab.evaluation.payer.payer_log import JUDGED_HORIZONS, PayerLog, make_payer_log
from streams.lab.evaluation.payer.payer_models import BinEnd, FrozenFeatures, PayerModels, Question
from streams.lab.evaluation.replay.event_time_replay import EventTimeReplay
from streams.lab.evaluation.replay.occasions import Occasions
from streams.lab.evaluation.replay.world_features import NamedFeatures, WorldFeatures
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds import PayingWorld, logged_activity, report_payments

LAST_HORIZON = max(JUDGED_HORIZONS, key=JUDGED_HORIZONS.__getitem__)
"""Nothing is learned of an install after it."""


@dataclass(frozen=True, slots=True)
class PayerPredictions:
    """Columns, one element per prediction, in order of time."""

    install: IntColumn
    landmark: IntColumn
    time: IntColumn  # log time in ms
    predicted: dict[str, FloatColumn]  # by model: prediction × (d7, d30); NaN: no answer


@dataclass(slots=True)
class _Predicted:
    """What has been predicted so far."""

    asks: list[IntColumn] = field(default_factory=list)  # indices into the log's asks
    by_model: dict[str, list[FloatColumn]] = field(default_factory=dict)


class FeatureSource(Protocol):
    """Features of installs; both are known by their number."""

    platforms: list[str]
    places: list[InstallOrigin]

    def at(self, install: int, landmark: int) -> NamedFeatures:
        """What the product would have known of the install at the landmark."""


class PayerReplay(EventTimeReplay[FrozenFeatures]):
    def __init__(
        self, log: PayerLog, features: FeatureSource, models: PayerModels, begin_ms: int
    ) -> None:
        super().__init__(begin_ms)
        self.log = log
        self.models = models
        self._features = features
        self._predicted = _Predicted()

    @classmethod
    def of_world(cls, world: PayingWorld, seed: int, models: PayerModels) -> Self:
        installed_at = world.people.time
        log = make_payer_log(installed_at, report_payments(world, seed))
        features = WorldFeatures(world.people, logged_activity(world, seed))
        return cls(log, features, models, int(installed_at[0]))

    def fork(self, world: PayingWorld, seed: int) -> PayerReplay:
        """Go on from here in a world that was the same until now, with predictions anew."""
        other = PayerReplay.of_world(world, seed, self.models.copy())
        other._go_on_from(self)
        return other

    def predictions(self) -> PayerPredictions:
        made, asks = self._predicted, self.log.asks
        index = np.concatenate(made.asks) if made.asks else np.zeros(0, np.int64)
        return PayerPredictions(
            install=asks.install[index],
            landmark=asks.which[index],
            time=asks.time[index],
            predicted={name: np.concatenate(parts) for name, parts in made.by_model.items()},
        )

    def _predict(self, end_ms: int) -> None:
        asks = self.log.asks
        which = asks.between(self._now, end_ms)
        asked = []
        for install, landmark, _ in asks.rows(which):
            known = self._frozen.setdefault(install, [])
            features = self._features.at(install, landmark)
            known.append(self.models.freeze(features, landmark))
            asked.append(self._question(install, landmark))
        if not asked:
            return
        for name, predicted in self.models.predict(asked).items():
            self._predicted.by_model.setdefault(name, []).append(predicted)
        self._predicted.asks.append(np.arange(which.start, which.stop))

    def _learn(self, end_ms: int) -> None:
        self.models.learn_payments([asked for asked, _ in self._asked(self.log.payments, end_ms)])
        self._learn_bins(end_ms)
        for name, horizon in self.log.horizons.items():
            self._learn_horizon(name, horizon, end_ms)

    def _learn_bins(self, end_ms: int) -> None:
        bins = self.log.bins
        ends = []
        for install, number, label in bins.rows(bins.between(self._now, end_ms)):
            known = self._frozen.get(install, [])
            platform, place = self._features.platforms[install], self._features.places[install]
            ends.append(BinEnd(number, label, known, platform, place))
        self.models.learn_bins(ends)

    def _learn_horizon(self, name: str, horizon: Occasions, end_ms: int) -> None:
        rows = self._asked(horizon, end_ms)
        if rows:
            self.models.learn_horizon(name, rows)
        if name == LAST_HORIZON:
            for install, _, _ in horizon.rows(horizon.between(self._now, end_ms)):
                self._frozen.pop(install, None)

    def _asked(self, learned: Occasions, end_ms: int) -> list[tuple[Question, bool]]:
        """The questions whose answers become known by `end_ms`, with the label of each."""
        return [
            (self._question(install, landmark), label)
            for install, landmark, label in learned.rows(learned.between(self._now, end_ms))
            if landmark < len(self._frozen.get(install, ()))
        ]

    def _question(self, install: int, landmark: int) -> Question:
        known = self._frozen[install]
        return Question(
            install=install,
            landmark=landmark,
            frozen=known[landmark],
            at_install=known[0],
            platform=self._features.platforms[install],
            place=self._features.places[install],
        )
