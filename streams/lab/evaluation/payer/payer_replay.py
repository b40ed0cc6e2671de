"""Event time: everybody predicts at landmarks with what was learned until then, and learns of
bins and horizons as they end. Nothing is known before it was logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np

from online_models.scoring.shrunk_rates import Place
from schemas.time import HOUR_MS
from streams.lab.evaluation.payer.payer_log import (
    JUDGED_HORIZONS,
    Happenings,
    PayerLog,
    make_payer_log,
)
from streams.lab.evaluation.payer.payer_models import BinEnd, FrozenFeatures, PayerModels, Question
from streams.lab.evaluation.replay.world_features import NamedFeatures, WorldFeatures
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds import PayingWorld, logged_activity, report_payments

_STEP_MS = HOUR_MS
"""How often a model that has learned replaces the one that predicts, in log time."""

LAST_HORIZON = max(JUDGED_HORIZONS, key=JUDGED_HORIZONS.__getitem__)
"""Nothing is learned of an install after it."""

Step = Callable[[int], None]
"""Hears the log time reached."""


@dataclass(frozen=True, slots=True)
class PayerPredictions:
    """Columns, in order of time; probabilities are prediction × (d7, d30) by contestant."""

    install: IntColumn
    landmark: IntColumn
    time: IntColumn
    said: dict[str, FloatColumn]


@dataclass(slots=True)
class _Predicted:
    """What has been predicted so far."""

    asks: list[IntColumn] = field(default_factory=list)  # indices into the log's asks
    said: dict[str, list[FloatColumn]] = field(default_factory=dict)


class FeatureSource(Protocol):
    """Asked by number of install and number of landmark."""

    platforms: list[str]
    places: list[Place]

    def at(self, install: int, landmark: int) -> NamedFeatures: ...


class PayerReplay:
    def __init__(
        self, log: PayerLog, features: FeatureSource, contestants: PayerModels, begin_ms: int
    ) -> None:
        self.log = log
        self.contestants = contestants
        self._features = features
        self._frozen: dict[int, list[FrozenFeatures]] = {}
        self._told = _Predicted()
        self._now = begin_ms

    @classmethod
    def of_world(cls, world: PayingWorld, seed: int, contestants: PayerModels) -> Self:
        installed_at = world.people.time
        log = make_payer_log(installed_at, report_payments(world, seed))
        features = WorldFeatures(world.people, logged_activity(world, seed))
        return cls(log, features, contestants, int(installed_at[0]))

    def fork(self, world: PayingWorld, seed: int) -> PayerReplay:
        """Goes on from here in a world that was the same until now; predictions begin anew."""
        other = PayerReplay.of_world(world, seed, self.contestants.copy())
        other._now = self._now
        other._frozen = {install: list(known) for install, known in self._frozen.items()}
        return other

    def run(self, until_ms: int, step: Step) -> None:
        while self._now < until_ms:
            end = min(self._now + _STEP_MS, until_ms)
            self._predict(self.log.asks, end)
            self._learn_payments(self.log.payments, end)
            self._learn_bins(self.log.bins, end)
            for name, horizon in self.log.horizons.items():
                self._learn_horizon(name, horizon, end)
            self._now = end
            step(end)

    def predictions(self) -> PayerPredictions:
        index = np.concatenate(self._told.asks) if self._told.asks else np.zeros(0, np.int64)
        asks = self.log.asks
        said = {name: np.concatenate(parts) for name, parts in self._told.said.items()}
        return PayerPredictions(asks.install[index], asks.which[index], asks.time[index], said)

    def _predict(self, asks: Happenings, end: int) -> None:
        which = asks.between(self._now, end)
        columns = (asks.install[which].tolist(), asks.which[which].tolist())
        if not columns[0]:
            return
        asked = []
        for install, landmark in zip(*columns, strict=True):
            known = self._frozen.setdefault(install, [])
            features = self._features.at(install, landmark)
            known.append(self.contestants.freeze(features, landmark))
            asked.append(self._question(install, landmark))
        for name, said in self.contestants.predict(asked).items():
            self._told.said.setdefault(name, []).append(said)
        self._told.asks.append(np.arange(which.start, which.stop))

    def _question(self, install: int, landmark: int) -> Question:
        known = self._frozen[install]
        platform, place = self._features.platforms[install], self._features.places[install]
        return Question(install, landmark, known[landmark], known[0], platform, place)

    def _learn_bins(self, bins: Happenings, end: int) -> None:
        which = bins.between(self._now, end)
        columns = (bins.install[which], bins.which[which], bins.label[which])
        ends = []
        for install, number, label in zip(*(one.tolist() for one in columns), strict=True):
            known = self._frozen.get(install, [])
            platform, place = self._features.platforms[install], self._features.places[install]
            ends.append(BinEnd(number, label, known, platform, place))
        self.contestants.learn_bins(ends)

    def _learn_payments(self, payments: Happenings, end: int) -> None:
        self.contestants.learn_payments([asked for asked, _ in self._asked(payments, end)])

    def _learn_horizon(self, name: str, horizon: Happenings, end: int) -> None:
        rows = self._asked(horizon, end)
        if rows:
            self.contestants.learn_horizon(name, rows)
        if name == LAST_HORIZON:
            for install in horizon.install[horizon.between(self._now, end)].tolist():
                self._frozen.pop(install, None)

    def _asked(self, happened: Happenings, end: int) -> list[tuple[Question, bool]]:
        """What was asked about those to whom something happened, and the label it gives."""
        which = happened.between(self._now, end)
        columns = (happened.install[which], happened.which[which], happened.label[which])
        return [
            (self._question(install, landmark), label)
            for install, landmark, label in zip(*(one.tolist() for one in columns), strict=True)
            if landmark < len(self._frozen.get(install, ()))
        ]
