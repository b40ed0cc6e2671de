"""A value model lives through a log: it predicts at landmarks and learns steps as they end.

Nothing is known before it was logged.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from online_models.value.model import StepRow, ValueAsk, ValueModel, ValueRow
from online_models.value.scorer import ExpectedValue
from online_models.value.shape import AMOUNT_HORIZONS, VALUE_STEPS, bucket_ending_with, rows_of
from schemas.time import HOUR_MS
from streams.lab.evaluation.replay.event_time_replay import EventTimeReplay
from streams.lab.evaluation.replay.occasions import Occasions
from streams.lab.evaluation.value.payment_table import (
    STEP_DUE_MS,
    VALUE_LANDMARK_MS,
    PaymentTable,
)
from streams.lab.simulator.draws import BoolColumn, FloatColumn, IntColumn


class PackedFeatures(NamedTuple):
    """Features of an install at a landmark, packed for the kernel."""

    slots: bytes
    values: bytes
    platform: str


FeatureLookup = Callable[[int, int], PackedFeatures]
"""Features by number of install and number of landmark."""


@dataclass(frozen=True, slots=True)
class ValuePredictions:
    """Columns, one element or row per prediction, in order of time."""

    install: IntColumn
    landmark: IntColumn
    time: IntColumn  # log time in ms
    expected: FloatColumn  # prediction × horizon: expected revenue; NaN: not answered
    is_extrapolated: BoolColumn  # prediction × horizon


class ValueReplay(EventTimeReplay[PackedFeatures]):
    def __init__(self, payments: PaymentTable, features: FeatureLookup, model: ValueModel) -> None:
        # Whole hours from the start on, whenever the first install was.
        super().__init__(int(payments.installed_at[0]) // HOUR_MS * HOUR_MS)
        self.payments = payments
        self.model = model
        self._features = features
        self._asks = Occasions.at_ages(payments.installed_at, VALUE_LANDMARK_MS)
        self._steps = Occasions.at_ages(payments.installed_at, STEP_DUE_MS)
        self._predicted: list[tuple[slice, list[ExpectedValue | None]]] = []

    def fork(self, payments: PaymentTable, features: FeatureLookup) -> ValueReplay:
        """Go on from here where the log was the same until now, with predictions anew."""
        other = ValueReplay(payments, features, copy.deepcopy(self.model))
        other._go_on_from(self)
        return other

    def predictions(self) -> ValuePredictions:
        index = np.concatenate([np.arange(one.start, one.stop) for one, _ in self._predicted])
        predicted = [expected for _, part in self._predicted for expected in part]
        asks = self._asks
        nothing = (np.nan,) * len(AMOUNT_HORIZONS)
        return ValuePredictions(
            install=asks.install[index],
            landmark=asks.which[index],
            time=asks.time[index],
            expected=np.array([one[:3] if one else nothing for one in predicted]).reshape(-1, 3),
            is_extrapolated=np.array([_extrapolated(one) for one in predicted], bool).reshape(
                -1, 3
            ),
        )

    def _predict(self, end_ms: int) -> None:
        which = self._asks.between(self._now, end_ms)
        spent = self.payments.spent
        asks = []
        for install, landmark, _ in self._asks.rows(which):
            frozen = self._features(install, landmark)
            self._frozen.setdefault(install, []).append(frozen)
            slots, values, platform = frozen
            asks.append(
                ValueAsk(slots, values, landmark, float(spent[install, landmark]), platform)
            )
        if asks:
            self._predicted.append((which, self.model.scorer.score_packed_many(asks)))

    def _learn(self, end_ms: int) -> None:
        rows: list[ValueRow] = []
        steps: list[StepRow] = []
        payments = self.payments
        for install, step, _ in self._steps.rows(self._steps.between(self._now, end_ms)):
            amount, before = payments.in_step[install, step], payments.before_step[install, step]
            steps.append(StepRow(step, float(amount), float(before)))
            rows.extend(self._rows(install, step))
            if step == len(VALUE_STEPS) - 1:
                self._frozen.pop(install, None)
        if steps:
            self.model.develop(steps)
        if rows:
            self.model.learn(rows)

    def _rows(self, install: int, step: int) -> list[ValueRow]:
        """What the end of a step teaches, at each landmark before its bucket."""
        bucket = bucket_ending_with(step)
        if bucket is None:
            return []
        known = self._frozen.get(install, [])
        after, spent = self.payments.after[install, :, bucket], self.payments.spent[install]
        return [
            ValueRow(
                slots=known[mark].slots,
                values=known[mark].values,
                landmark=mark,
                bucket=bucket,
                amount=float(after[mark]),
                spent=float(spent[mark]),
                platform=known[mark].platform,
                group=str(install),
            )
            for mark in rows_of(step)
            if mark < len(known)
        ]


def _extrapolated(expected: ExpectedValue | None) -> tuple[bool, ...]:
    names = expected.extrapolated if expected else ()
    return tuple(horizon.name in names for horizon in AMOUNT_HORIZONS)
