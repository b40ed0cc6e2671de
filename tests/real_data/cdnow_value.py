"""CDNOW customers as a value model and as BG/NBD know them: from the same purchases, no more."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, fields

import numpy as np

from online_models.hazard.encoding import Encoder
from online_models.value.model import StepRow, ValueAsk, ValueModel, ValueRow
from online_models.value.shape import VALUE_BUCKETS, VALUE_STEPS, bucket_ending_with
from schemas.time import DAY_MS
from tests.real_data.btyd import Customers, Floats, fit
from tests.real_data.real_histories import folder

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

CALIBRATION_D = 39 * 7
"""Days from 1 January 1997 that are known; as many again are held out."""

STRETCH = CALIBRATION_D / 90
"""Days of a customer for each of an install: to a value model, day 90 is the end of what is held
out."""

EVERY_D = 14
"""How often all customers are looked at anew, as if they had installed on that day."""


@dataclass(frozen=True, slots=True)
class Purchases:
    """One element per purchase, in order of time; days since 1 January 1997."""

    customer: Ints
    day: Ints
    amount: Floats

    def between(self, begin_d: float, end_d: float) -> Floats:
        """What each customer pays in these days."""
        is_in = (self.day >= begin_d) & (self.day < end_d)
        found: Floats = np.zeros(int(self.customer.max()) + 1)
        np.add.at(found, self.customer[is_in], self.amount[is_in])
        return found


def read_purchases() -> Purchases:
    with gzip.open(folder("cdnow") / "CDNOW_master.txt.gz", "rt") as text:
        lines = [line.split() for line in text][1:]
    _, customer = np.unique([line[0] for line in lines], return_inverse=True)
    date = np.array([f"{one[:4]}-{one[4:6]}-{one[6:]}" for _, one, *_ in lines], "datetime64[D]")
    day = (date - np.datetime64("1997-01-01")).astype(np.int64)
    amount = np.array([float(line[3]) for line in lines])
    order = np.lexsort((customer, day))
    return Purchases(customer[order], day[order], amount[order])


def customers_at(purchases: Purchases, day: float, first_d: Ints) -> Customers:
    """All who have bought before `day`; the others have an age of 0 and nothing besides."""
    known = purchases.day < day
    key = np.unique(purchases.customer[known] * 10_000 + purchases.day[known])
    customer, when = key // 10_000, key % 10_000
    size = len(first_d)
    count = np.bincount(customer, minlength=size)
    last: Ints = np.zeros(size, np.int64)
    np.maximum.at(last, customer, when - first_d[customer])
    spent: Floats = np.zeros(size)
    np.add.at(spent, purchases.customer[known], purchases.amount[known])
    priced = np.where(spent > 0.0, count, 0).astype(float)
    return Customers(
        repeats=np.maximum(count - 1, 0).astype(float),
        last=last / 7,
        age=np.maximum(day - 1 - first_d, 0) / 7,
        mean=spent / np.maximum(priced, 1.0),
        priced=priced,
    )


def first_days(purchases: Purchases) -> Ints:
    """Of each customer, the day of the first purchase."""
    found = np.full(int(purchases.customer.max()) + 1, 2 * CALIBRATION_D, np.int64)
    np.minimum.at(found, purchases.customer, purchases.day)
    return found


def part_of(customers: Customers, which: Ints) -> Customers:
    return Customers(*(getattr(customers, one.name)[which] for one in fields(Customers)))


def predicted_by_formula(
    purchases: Purchases, first_d: Ints, begin_d: int, horizon_d: int
) -> tuple[Floats, Floats]:
    """By BG/NBD, fitted every week to all that is known, seven days after each first purchase from
    `begin_d` on: what is paid until the horizon; and what was."""
    predicted, actual = [], []
    for week in range(begin_d, int(first_d.max()) + 8, 7):
        new = first_d < week - 1
        model = fit(part_of(customers_at(purchases, week, first_d), np.flatnonzero(new)))
        for day in range(week, week + 7):
            asked = np.flatnonzero(first_d + 7 == day)
            known = part_of(customers_at(purchases, day, first_d), asked)
            more = model.expected(known, (horizon_d - 7) / 7)
            predicted.append(purchases.between(0, day)[asked] + more)
            actual.append(purchases.between(0, day - 7 + horizon_d)[asked])
    return np.concatenate(predicted), np.concatenate(actual)


def features(customers: Customers, one: int) -> dict[str, float]:
    """Recency, frequency and money, in steps and as they are."""
    repeats, last, age = (
        float(column[one]) for column in (customers.repeats, customers.last, customers.age)
    )
    mean = float(customers.mean[one])
    often, long, quiet = int(min(repeats, 8)), int(age // 6), int((age - last) // 3)
    return {
        f"repeats={often}": 1.0,
        f"quiet={quiet}": 1.0,
        f"age={long}": 1.0,
        f"repeats×quiet={min(often, 4)}|{quiet // 2}": 1.0,
        f"price={int(np.log2(1.0 + mean))}": 1.0,
        "repeats": float(np.log1p(repeats)),
        "rate": float(np.log1p(repeats / (age + 4.0))),
        "price": float(np.log1p(mean)),
    }


def learned(purchases: Purchases, first_d: Ints) -> tuple[ValueModel, Encoder]:
    """by the end of the calibration, from looks at all customers every four weeks. What comes in
    a bucket or step after a look is learned when it is over, if that is before the end."""
    model = ValueModel()
    encoder = Encoder(model.rules.slots, model.rules.seed)
    due: list[tuple[float, int, int]] = []
    for look in range(EVERY_D, CALIBRATION_D, EVERY_D):
        for number, step in enumerate(VALUE_STEPS):
            end = look + step.end_ms / DAY_MS * STRETCH
            if end <= CALIBRATION_D:
                due.append((end, look, number))
    for _, look, number in sorted(due):
        _learn(model, encoder, purchases, first_d, (look, number))
    return model, encoder


def _learn(
    model: ValueModel, encoder: Encoder, purchases: Purchases, first_d: Ints, at: tuple[int, int]
) -> None:
    look, number = at
    known = customers_at(purchases, look, first_d)
    who = np.flatnonzero(first_d < look).tolist()
    begin, end = (look + edge / DAY_MS * STRETCH for edge in VALUE_STEPS[number])
    actual, before = purchases.between(begin, end), purchases.between(look, begin)
    model.develop([StepRow(number, float(actual[one]), float(before[one])) for one in who])
    bucket = bucket_ending_with(number)
    if bucket is not None:
        begin = look + VALUE_BUCKETS[bucket].begin_ms / DAY_MS * STRETCH
        actual = purchases.between(begin, end)
        packed = [encoder.pack(features(known, one)) for one in who]
        model.learn(
            [
                ValueRow(*row, 0, bucket, float(actual[one]))
                for one, row in zip(who, packed, strict=True)
            ]
        )


def expected(model: ValueModel, encoder: Encoder, customers: Customers) -> Floats:
    """Of each customer, in as many days as the calibration had."""
    asks = [
        ValueAsk(*encoder.pack(features(customers, one)), 0)
        for one in range(len(customers.repeats))
    ]
    expectations = model.scorer.score_packed_many(asks)
    return np.array([expectation.d90 if expectation else np.nan for expectation in expectations])
