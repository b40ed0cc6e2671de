"""A history of installs and payments, as a value model would have come to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from online_models.value.shape import BUCKETS, LANDMARKS, STEPS, Part, bucket_ending_with, rows_of
from schemas.time import DAY_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn

LATENESS_MS = DAY_MS
"""How long after a step ended its payments are waited for."""


class Payments(Protocol):
    """One element per payment that counts. Times are ms since the install."""

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
    """What was known of each install when it was asked for. Amounts in the reporting currency."""

    installed_at: IntColumn
    spent: FloatColumn  # install × landmark: before it
    payments: IntColumn  # install × landmark: how many
    after: FloatColumn  # install × landmark × bucket: in the bucket, after the landmark
    in_step: FloatColumn  # install × step
    before_step: FloatColumn  # install × step


class Occasions:
    """When which install is asked about, or learned of: columns, in order of time."""

    def __init__(self, installed_at: IntColumn, after_ms: IntColumn) -> None:
        size = len(installed_at)
        install = np.repeat(np.arange(size), len(after_ms))
        which = np.tile(np.arange(len(after_ms)), size)
        time = installed_at[install] + after_ms[which]
        order = np.lexsort((which, install, time))
        self.time, self.install, self.which = time[order], install[order], which[order]

    def between(self, begin: int, end: int) -> slice:
        first, last = np.searchsorted(self.time, [begin, end])
        return slice(int(first), int(last))


VALUE_LANDMARK_MS: IntColumn = np.array([landmark.after_ms for landmark in LANDMARKS])
STEP_DUE_MS: IntColumn = np.array([step.end_ms + LATENESS_MS for step in STEPS])


def make_payment_table(installed_at: IntColumn, payments: Payments) -> PaymentTable:
    """Payments that are logged after the lateness of their step is over come too late for it."""
    size = len(installed_at)

    def total(begin_ms: int, end_ms: int, until_ms: int) -> FloatColumn:
        is_in = (payments.paid_ms >= begin_ms) & (payments.paid_ms < end_ms)
        is_in &= payments.logged_ms < until_ms
        found: FloatColumn = np.zeros(size)
        np.add.at(found, payments.install[is_in], payments.amount[is_in])
        return found

    marks = VALUE_LANDMARK_MS.tolist()
    history = PaymentTable(
        installed_at,
        np.stack([total(0, mark, mark) for mark in marks], axis=1),
        np.stack([_count(payments, mark, size) for mark in marks], axis=1),
        np.zeros((size, len(LANDMARKS), len(BUCKETS))),
        np.stack([total(*step, due) for step, due in _dues()], axis=1),
        np.stack([total(0, step.begin_ms, due) for step, due in _dues()], axis=1),
    )
    for number, (_, due) in enumerate(_dues()):
        bucket = bucket_ending_with(number)
        for mark in rows_of(number):
            assert bucket is not None
            begin = max(BUCKETS[bucket].begin_ms, marks[mark])
            history.after[:, mark, bucket] = total(begin, BUCKETS[bucket].end_ms, due)
    return history


def _dues() -> list[tuple[Part, int]]:
    return list(zip(STEPS, STEP_DUE_MS.tolist(), strict=True))


def _count(payments: Payments, mark: int, size: int) -> IntColumn:
    is_in = (payments.paid_ms < mark) & (payments.logged_ms < mark)
    return np.bincount(payments.install[is_in], minlength=size)
