"""Scores installs with a value model: expected revenue by each horizon. Read-only."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.kernel import EncodedRows, Kernel, Weights, fastest
from online_models.hazard.packed import unpacked
from online_models.hazard.rules import Numbers, platform_column
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.amount_arrays import ROWS, AmountArrays, AmountRows
from online_models.value.amounts import expected_amounts
from online_models.value.ladder import Growths, Ladder
from online_models.value.rules import AMOUNT_MAX, ValueRules, amount_rates, grid_row, value_frame
from online_models.value.shape import AMOUNT_HORIZONS, VALUE_BUCKETS, first_bucket, share_left


class ExpectedValue(NamedTuple):
    """Expected revenue from the install to each horizon, in the reporting currency, net of refunds,
    including what has been paid already; never falling from one horizon to the next."""

    d7: float
    d30: float
    d90: float
    extrapolated: tuple[str, ...]
    """Horizons predicted by the growth of cohorts, since too little has matured for a model."""


class ValueAsk(NamedTuple):
    """A question at a landmark. `spent`: amount paid by then, in the reporting currency."""

    slots: bytes
    values: bytes
    landmark: int
    spent: float = 0.0
    platform: str = ""


class ValueScoreCounts(Struct):
    """Questions so far. `unusable`: with unusable features or amount, or malformed bytes."""

    scored: int = 0
    unusable: int = 0


class ValueScorer:
    """Scores with weights that a model may go on training. One thread at a time."""

    def __init__(
        self,
        rules: ValueRules,
        state: tuple[Weights, AmountArrays, Ladder],
        platforms: Sequence[str] = (),
        kernel: Kernel | None = None,
        version: str = "",
    ) -> None:
        self.version = version
        self.rules = rules
        self.weights, self.amounts, self.ladder = state
        self.platforms = list(platforms)
        self.counts = ValueScoreCounts()
        self.kernel = kernel or fastest()
        self.frame = value_frame(rules)
        self._rates = amount_rates(rules)
        self._known_matured: list[list[bool]] | None = None
        self._starts = [landmark.after_ms for landmark in LANDMARKS]
        self._first = [first_bucket(mark) for mark in range(len(LANDMARKS))]

    def score_packed(
        self, slots: bytes, values: bytes, landmark: int, spent: float = 0.0, platform: str = ""
    ) -> ExpectedValue | None:
        """Expected revenue of one install; None: unusable features or amount."""
        return self.score_packed_many([ValueAsk(slots, values, landmark, spent, platform)])[0]

    def score_packed_many(self, asks: Sequence[ValueAsk]) -> list[ExpectedValue | None]:
        """`score_packed` of each question."""
        expected = self.by_bucket(asks).tolist()
        growths = self.ladder.seen()
        matured = self._matured()
        return [
            self._expected_value(ask, row, matured[ask.landmark], growths)
            for ask, row in zip(asks, expected, strict=True)
        ]

    def place_of(self, platform: str) -> int:
        """The column of a platform's calibration; unknown platforms share the last one."""
        return platform_column(self.platforms, platform)

    def by_bucket(self, asks: Sequence[ValueAsk]) -> Numbers:
        """Expected amounts by each bucket's own model, asks × buckets; NaN where unusable."""
        encoded = unpacked([ask[:2] for ask in asks])
        chance, amount = array("q"), array("q")
        for ask in asks:
            row = grid_row(ask.landmark, ask.spent > 0.0)
            chance.extend((row, self._starts[ask.landmark], self.place_of(ask.platform)))
            amount.extend((row, 0, 0))
        rows = EncodedRows(*encoded, np.frombuffer(chance, np.int64).reshape(-1, 3))
        chances, _ = self.kernel.score(rows, self.weights, self.frame)
        about = np.frombuffer(amount, np.int64).reshape(-1, 3)
        return expected_amounts(
            AmountRows(*encoded, about, np.array([ask.spent for ask in asks], float)),
            chances,
            self.amounts,
            self.frame.columns,
            self._rates,
        )

    def _matured(self) -> list[list[bool]]:
        """Landmark × bucket: whether its own model has learned enough to answer. Landmarks share
        most of their weights, so revenue may be of any of them. Versions learn no more: computed
        once for each."""
        if self._known_matured is not None:
            return self._known_matured
        enough = self.rules.matured_rows
        rows = self.amounts.rows[: len(LANDMARKS)] + self.amounts.rows[len(LANDMARKS) :]
        known = (self.amounts.tails[:, ROWS] >= enough) & (rows >= enough)
        found: list[list[bool]] = known.tolist()
        if self.version:
            self._known_matured = found
        return found

    def _expected_value(
        self, ask: ValueAsk, expected: list[float], matured: list[bool], growths: Growths
    ) -> ExpectedValue | None:
        self.counts.scored += 1
        first, landmark = self._first[ask.landmark], ask.landmark
        if not (abs(ask.spent) <= AMOUNT_MAX and all(map(math.isfinite, expected[first:]))):
            self.counts.unusable += 1
            return None
        total, last = max(ask.spent, 0.0), None
        by_end = {}
        is_extrapolated = False
        for number, bucket in enumerate(VALUE_BUCKETS):
            if number >= first:
                amount = expected[number]
                if not matured[number]:
                    amount = growths.expected(number, landmark, total, last)
                    is_extrapolated = True
                last = amount / share_left(number, landmark) if number else total + amount
                total += amount
            by_end[bucket.end_ms] = (total, is_extrapolated)
        by_horizon = [by_end[horizon.after_ms] for horizon in AMOUNT_HORIZONS]
        return ExpectedValue(
            d7=by_horizon[0][0],
            d30=by_horizon[1][0],
            d90=by_horizon[2][0],
            extrapolated=tuple(
                horizon.name
                for horizon, (_, is_doubtful) in zip(AMOUNT_HORIZONS, by_horizon, strict=True)
                if is_doubtful
            ),
        )
