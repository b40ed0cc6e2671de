"""Event time: the model predicts at landmarks with what it had learned by then, and learns of the
steps of every life as they end. Nothing is known before it was logged."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from online_models.value.model import PackedAsk, StepRow, ValueModel, ValueRow
from online_models.value.scorer import Worth
from online_models.value.shape import HORIZONS, STEPS, bucket_ending_with, rows_of
from schemas.time import HOUR_MS
from streams.lab.evaluation.value.payment_table import (
    STEP_DUE_MS,
    VALUE_LANDMARK_MS,
    Occasions,
    PaymentTable,
)
from streams.lab.simulator.draws import BoolColumn, FloatColumn, IntColumn

_STEP_MS = HOUR_MS
"""How often what has been learned reaches predictions, in log time."""

Step = Callable[[int], None]
"""Hears the log time reached."""


class PackedFeatures(NamedTuple):
    """What is known of an install at a landmark, packed."""

    slots: bytes
    values: bytes
    platform: str


FeatureLookup = Callable[[int, int], PackedFeatures]
"""By number of install and of landmark."""


@dataclass(frozen=True, slots=True)
class ValuePredictions:
    """Columns, in order of time."""

    install: IntColumn
    landmark: IntColumn
    time: IntColumn
    worth: FloatColumn  # prediction × horizon; NaN: not answered
    is_extrapolated: BoolColumn  # prediction × horizon


class ValueReplay:
    def __init__(self, history: PaymentTable, features: FeatureLookup, model: ValueModel) -> None:
        self.history = history
        self.model = model
        self._features = features
        self._frozen: dict[int, list[PackedFeatures]] = {}
        self._asks = Occasions(history.installed_at, VALUE_LANDMARK_MS)
        self._steps = Occasions(history.installed_at, STEP_DUE_MS)
        self._now = int(history.installed_at[0])
        self._told: list[tuple[slice, list[Worth | None]]] = []

    def fork(self, history: PaymentTable, features: FeatureLookup) -> ValueReplay:
        """Goes on from here where the log was the same until now; predictions begin anew."""
        other = ValueReplay(history, features, copy.deepcopy(self.model))
        other._now = self._now
        other._frozen = {install: list(known) for install, known in self._frozen.items()}
        return other

    def run(self, until_ms: int, step: Step) -> None:
        while self._now < until_ms:
            end = min((self._now // _STEP_MS + 1) * _STEP_MS, until_ms)
            self._predict(end)
            self._learn(end)
            self._now = end
            step(end)

    def predictions(self) -> ValuePredictions:
        index = np.concatenate([np.arange(one.start, one.stop) for one, _ in self._told])
        said = [worth for _, worths in self._told for worth in worths]
        asks = self._asks
        return ValuePredictions(
            asks.install[index],
            asks.which[index],
            asks.time[index],
            np.array([one[:3] if one else (np.nan,) * 3 for one in said]).reshape(-1, 3),
            np.array([_doubts(one) for one in said], bool).reshape(-1, 3),
        )

    def _predict(self, end: int) -> None:
        which = self._asks.between(self._now, end)
        asks = []
        spent = self.history.spent
        for install, mark in zip(
            self._asks.install[which].tolist(), self._asks.which[which].tolist(), strict=True
        ):
            frozen = self._features(install, mark)
            self._frozen.setdefault(install, []).append(frozen)
            slots, values, platform = frozen
            asks.append(PackedAsk(slots, values, mark, float(spent[install, mark]), platform))
        if asks:
            self._told.append((which, self.model.scorer.score_packed_many(asks)))

    def _learn(self, end: int) -> None:
        which = self._steps.between(self._now, end)
        columns = (self._steps.install[which].tolist(), self._steps.which[which].tolist())
        rows: list[ValueRow] = []
        steps: list[StepRow] = []
        history = self.history
        for install, number in zip(*columns, strict=True):
            amount, before = history.in_step[install, number], history.before_step[install, number]
            steps.append(StepRow(number, float(amount), float(before)))
            rows.extend(self._rows(install, number))
            if number == len(STEPS) - 1:
                self._frozen.pop(install, None)
        if steps:
            self.model.develop(steps)
        if rows:
            self.model.learn(rows)

    def _rows(self, install: int, step: int) -> list[ValueRow]:
        bucket = bucket_ending_with(step)
        if bucket is None:
            return []
        known = self._frozen.get(install, [])
        after, spent = self.history.after[install, :, bucket], self.history.spent[install]
        return [
            ValueRow(
                known[mark].slots,
                known[mark].values,
                mark,
                bucket,
                float(after[mark]),
                float(spent[mark]),
                known[mark].platform,
                str(install),
            )
            for mark in rows_of(step)
            if mark < len(known)
        ]


def _doubts(worth: Worth | None) -> tuple[bool, ...]:
    doubts = worth.extrapolated if worth else ()
    return tuple(horizon.name in doubts for horizon in HORIZONS)
