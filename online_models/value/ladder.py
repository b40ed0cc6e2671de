"""Growth of cohorts: expected revenue from step to step of their life, before buckets mature.

The chain-ladder method of insurers (Mack 1993): of all installs that have completed a step, what
they earned in it over what the same installs had earned before. It is shrunk to the usual growth:
revenue a day falls as a power of age, from the last step that is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from online_models.hazard.rules import Numbers
from online_models.value.rules import AMOUNT_MAX, ValueRules
from online_models.value.shape import VALUE_BUCKETS, VALUE_STEPS, share_left
from schemas.time import DAY_MS

IN, BEFORE, ROWS, PAYERS = range(4)
"""Columns of `steps`: mean amount in a step, mean before it, installs, and installs that paid."""

AMOUNT_VARIANCE = 4.0
"""Variance of what payers pay in a step, over the squared mean."""

LEAST = 1e-9
"""Means below this count as unknown."""

GROWTH_MAX = 100.0
"""Growth of a step is at most this, so that a nearly unpaid start does not explode."""

OWN_SHARE = 0.5
"""Weight of what an install has paid itself, against what its cohort has, in what it is expected to
pay next. Whatever the weight, the total is that of the cohort."""


class StepRow(NamedTuple):
    """Amounts that an install paid in a step that is over, and before it; reporting currency."""

    step: int
    amount: float
    spent_before: float


class Ladder:
    """Means of amounts by step of life, learned online, and the growth that follows from them."""

    def __init__(self, rules: ValueRules) -> None:
        self.rules = rules
        self.steps: Numbers = np.zeros((len(VALUE_STEPS), 4))
        self.skipped = 0
        self._seen: Growths | None = None

    def learn(self, rows: Sequence[StepRow]) -> None:
        """Learn rows in order. Rows with an amount that is NaN, or too large, are skipped."""
        self._seen = None
        memory = self.rules.ladder_memory
        for step, amount, before in rows:
            if not (abs(amount) <= AMOUNT_MAX and abs(before) <= AMOUNT_MAX):
                self.skipped += 1
                continue
            known = self.steps[step]
            kept = min(1.0, memory / (known[ROWS] + 1.0))
            known[PAYERS] = kept * (known[PAYERS] + (amount > 0.0))
            known[ROWS] = min(known[ROWS] + 1.0, memory)
            known[IN] += (max(amount, 0.0) - known[IN]) / known[ROWS]
            known[BEFORE] += (max(before, 0.0) - known[BEFORE]) / known[ROWS]

    def growths(self) -> list[float]:
        """Growth of each step: revenue in it over all revenue before it; 0 for the first."""
        power = self._power()
        found = [0.0]
        # Revenue a day, where revenue before the step is 1.
        rate = self.rules.first_growth / _days(1)
        for step in range(1, len(VALUE_STEPS)):
            if step > 1:
                rate *= (_age(step) / _age(step - 1)) ** power
            growth = self._shrunk(step, rate * _days(step))
            found.append(growth)
            rate = growth / _days(step) / (1.0 + growth)
        return found

    def _power(self) -> float:
        """Power of age that revenue a day follows: weighted least squares on logs, with a prior."""
        known, earned = [], 1.0
        for step in range(1, len(VALUE_STEPS)):
            inside, before, _, payers = self.steps[step].tolist()
            if inside < LEAST or before < LEAST:
                break
            rate = earned * inside / before / _days(step)
            known.append((math.log(_age(step)), math.log(rate), payers / AMOUNT_VARIANCE))
            earned *= 1.0 + inside / before
        weight = math.fsum(one[2] for one in known) or 1.0
        age = math.fsum(one[0] * one[2] for one in known) / weight
        level = math.fsum(one[1] * one[2] for one in known) / weight
        prior = 1.0 / self.rules.fading_spread**2
        seen = math.fsum(one[2] * (one[0] - age) ** 2 for one in known)
        along = math.fsum(one[2] * (one[0] - age) * (one[1] - level) for one in known)
        return (along - prior * self.rules.fading) / (seen + prior)

    def bucket_growths(self) -> list[float]:
        """Growth of each bucket: revenue in it over all revenue before it."""
        found = []
        growths = self.growths()
        for bucket in VALUE_BUCKETS:
            grown = 1.0
            for step, growth in zip(VALUE_STEPS, growths, strict=True):
                if bucket.begin_ms <= step.begin_ms < bucket.end_ms:
                    grown *= 1.0 + growth
            found.append(grown - 1.0)
        return found

    def usual_before(self) -> list[float]:
        """Usual amount that an install has paid when each bucket begins."""
        begins = [step.begin_ms for step in VALUE_STEPS]
        known = [self.steps[begins.index(bucket.begin_ms)] for bucket in VALUE_BUCKETS]
        found, growths = [], self.bucket_growths()
        last = float(self.steps[0, IN])
        for number, row in enumerate(known):
            if number:
                before = growths[number - 1] if number > 1 else 0.0
                last = float(row[BEFORE]) if row[ROWS] else last * (1.0 + before)
            found.append(last if number else 0.0)
        return found

    def seen(self) -> Growths:
        """The growths as of now; cached until the next row."""
        if self._seen is None:
            usual_first = float(self.steps[0, IN])
            self._seen = Growths(self.bucket_growths(), self.usual_before(), usual_first)
        return self._seen

    def _shrunk(self, step: int, usual: float) -> float:
        """Growth of a step, shrunk towards the usual one."""
        inside, before, rows, _ = self.steps[step].tolist()
        prior = self.rules.ladder_prior
        if before < LEAST:
            return usual
        growth = (rows * inside + prior * usual * before) / ((rows + prior) * before)
        return float(min(growth, GROWTH_MAX))


class Growths(NamedTuple):
    """The ladder as scoring needs it, by bucket."""

    growth: list[float]
    usual_before: list[float]
    usual_first: float
    """Usual amount that an install pays in the first bucket."""

    def expected(self, bucket: int, landmark: int, paid: float, last: float | None) -> float:
        """Expected amount in what is left of a bucket at a landmark.

        `paid`: all that was paid, or is expected, until then. `last`: expected in all of the bucket
        before, where that is ahead as well. `last` misses those who pay rarely and `paid` those who
        have left, so the mean of both is nearer.
        """
        left = share_left(bucket, landmark)
        if not bucket:
            return self.usual_first * left
        if last is not None:
            before = self.growth[bucket - 1]
            share = before / (1.0 + before) if bucket > 1 else 1.0
            return self.growth[bucket] * (paid + last / max(share, LEAST)) / 2
        own = OWN_SHARE * paid + (1.0 - OWN_SHARE) * self.usual_before[bucket]
        return self.growth[bucket] * own * left


def _days(step: int) -> float:
    return (VALUE_STEPS[step].end_ms - VALUE_STEPS[step].begin_ms) / DAY_MS


def _age(step: int) -> float:
    return (VALUE_STEPS[step].end_ms + VALUE_STEPS[step].begin_ms) / (2 * DAY_MS)
