"""What installs had paid, as far as it was known at each moment at which a value model asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from online_models.scoring.landmarks import LANDMARKS
from online_models.value.shape import VALUE_BUCKETS, VALUE_STEPS, Part, bucket_ending_with, rows_of
from schemas.time import DAY_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn

LATENESS_MS = DAY_MS
"""How long after the end of a step its payments are waited for."""

VALUE_LANDMARK_MS: IntColumn = np.array([landmark.after_ms for landmark in LANDMARKS])
STEP_DUE_MS: IntColumn = np.array([step.end_ms + LATENESS_MS for step in VALUE_STEPS])


class Payments(Protocol):
    """Columns, one element per payment that counts. Times are ms since the install."""

    @property
    def install(self) -> IntColumn: ...
    @property
    def paid_ms(self) -> IntColumn: ...
    @property
    def logged_ms(self) -> IntColumn: ...
    @property
    def amount(self) -> FloatColumn: ...


@dataclass(frozen=True, slots=True)
class PaymentTable:
    """What was known of each install when it was needed. Amounts in the reporting currency."""

    installed_at: IntColumn  # log time in ms
    spent: FloatColumn  # install × landmark: before it
    payments: IntColumn  # install × landmark: how many before it
    after: FloatColumn  # install × landmark × bucket: in the bucket, after the landmark
    in_step: FloatColumn  # install × step
    before_step: FloatColumn  # install × step


def make_payment_table(installed_at: IntColumn, payments: Payments) -> PaymentTable:
    """A payment logged later than `LATENESS_MS` after its step is not in that step."""
    size = len(installed_at)

    def total(begin_ms: int, end_ms: int, until_ms: int) -> FloatColumn:
        is_in = (payments.paid_ms >= begin_ms) & (payments.paid_ms < end_ms)
        is_in &= payments.logged_ms < until_ms
        found: FloatColumn = np.zeros(size)
        np.add.at(found, payments.install[is_in], payments.amount[is_in])
        return found

    marks = VALUE_LANDMARK_MS.tolist()
    table = PaymentTable(
        installed_at=installed_at,
        spent=np.stack([total(0, mark, mark) for mark in marks], axis=1),
        payments=np.stack([_count(payments, mark, size) for mark in marks], axis=1),
        after=np.zeros((size, len(LANDMARKS), len(VALUE_BUCKETS))),
        in_step=np.stack([total(*step, due) for step, due in _dues()], axis=1),
        before_step=np.stack([total(0, step.begin_ms, due) for step, due in _dues()], axis=1),
    )
    for number, (_, due) in enumerate(_dues()):
        bucket = bucket_ending_with(number)
        for mark in rows_of(number):
            assert bucket is not None
            begin = max(VALUE_BUCKETS[bucket].begin_ms, marks[mark])
            table.after[:, mark, bucket] = total(begin, VALUE_BUCKETS[bucket].end_ms, due)
    return table


def _dues() -> list[tuple[Part, int]]:
    return list(zip(VALUE_STEPS, STEP_DUE_MS.tolist(), strict=True))


def _count(payments: Payments, mark: int, size: int) -> IntColumn:
    is_in = (payments.paid_ms < mark) & (payments.logged_ms < mark)
    return np.bincount(payments.install[is_in], minlength=size)
