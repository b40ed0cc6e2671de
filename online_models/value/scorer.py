"""What a value model says of an install: expected revenue by each horizon. Read-only."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.kernel import EncodedRows, Kernel, Weights, fastest
from online_models.hazard.packed import unpacked
from online_models.hazard.rules import PLATFORMS_MAX, Numbers
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.amount_arrays import ROWS, AmountArrays, AmountRows
from online_models.value.amounts import expected_amounts
from online_models.value.ladder import Growths, Ladder
from online_models.value.rules import AMOUNT_MAX, ValueRules, amount_rates, grid_row, value_frame
from online_models.value.shape import AMOUNT_HORIZONS, VALUE_BUCKETS, first_bucket, share_left


class ExpectedValue(NamedTuple):
    """Expected revenue from the install to each horizon, in the reporting currency, refunds taken
    off; never falling from one to the next. What has been paid already is part of it."""

    d7: float
    d30: float
    d90: float
    extrapolated: tuple[str, ...]
    """Horizons for which the growth of cohorts stands in, since too little has matured."""


class ValueAsk(NamedTuple):
    """A question at a landmark; `spent` is what had been paid by then."""

    slots: bytes
    values: bytes
    landmark: int
    spent: float = 0.0
    platform: str = ""


class ValueScoreCounts(Struct):
    """`unusable`: features or an amount that cannot be used, or malformed bytes."""

    scored: int = 0
    unusable: int = 0


class ValueScorer:
    """Scores with weights that somebody else may go on training. One thread at a time."""

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
        self._told_matured: list[list[bool]] | None = None
        self._starts = [landmark.after_ms for landmark in LANDMARKS]
        self._first = [first_bucket(mark) for mark in range(len(LANDMARKS))]

    def score_packed(
        self, slots: bytes, values: bytes, landmark: int, spent: float = 0.0, platform: str = ""
    ) -> ExpectedValue | None:
        """None: not usable."""
        return self.score_packed_many([ValueAsk(slots, values, landmark, spent, platform)])[0]

    def score_packed_many(self, asks: Sequence[ValueAsk]) -> list[ExpectedValue | None]:
        expected = self._expected(asks).tolist()
        growths = self.ladder.seen()
        matured = self._matured()
        return [
            self._worth(ask, row, matured[ask.landmark], growths)
            for ask, row in zip(asks, expected, strict=True)
        ]

    def place_of(self, platform: str) -> int:
        """Where the calibration of a platform is; unknown ones share the last place."""
        try:
            return self.platforms.index(platform)
        except ValueError:
            return PLATFORMS_MAX

    def _expected(self, asks: Sequence[ValueAsk]) -> Numbers:
        """Of each bucket's own model; NaN where unusable."""
        encoded = unpacked([ask[:2] for ask in asks])
        chance, amount = array("q"), array("q")
        for ask in asks:
            place = grid_row(ask.landmark, ask.spent > 0.0)
            chance.extend((place, self._starts[ask.landmark], self.place_of(ask.platform)))
            amount.extend((place, 0, 0))
        rows = EncodedRows(*encoded, np.frombuffer(chance, np.int64).reshape(-1, 3))
        chances, _ = self.kernel.score(rows, self.weights, self.frame)
        about = np.frombuffer(amount, np.int64).reshape(-1, 3)
        return expected_amounts(
            AmountRows(*encoded, about),
            chances,
            self.amounts,
            self.frame.columns,
            self._rates,
        )

    def _matured(self) -> list[list[bool]]:
        """Landmark × bucket: whether enough is known. Landmarks share most of their weights, so
        revenue may come from any of them. Asked once of a version, which learns no more."""
        if self._told_matured is not None:
            return self._told_matured
        enough = self.rules.matured_rows
        rows = self.amounts.rows[: len(LANDMARKS)] + self.amounts.rows[len(LANDMARKS) :]
        known = (self.amounts.tails[:, ROWS] >= enough) & (rows >= enough)
        found: list[list[bool]] = known.tolist()
        if self.version:
            self._told_matured = found
        return found

    def _worth(
        self, ask: ValueAsk, expected: list[float], matured: list[bool], growths: Growths
    ) -> ExpectedValue | None:
        self.counts.scored += 1
        first, landmark = self._first[ask.landmark], ask.landmark
        if not (abs(ask.spent) <= AMOUNT_MAX and all(map(math.isfinite, expected[first:]))):
            self.counts.unusable += 1
            return None
        worth, last = max(ask.spent, 0.0), None
        by_end = {}
        is_extrapolated = False
        for number, bucket in enumerate(VALUE_BUCKETS):
            if number >= first:
                amount = expected[number]
                if not matured[number]:
                    amount = growths.expected(number, landmark, worth, last)
                    is_extrapolated = True
                last = amount / share_left(number, landmark) if number else worth + amount
                worth += amount
            by_end[bucket.end_ms] = (worth, is_extrapolated)
        said = [by_end[horizon.after_ms] for horizon in AMOUNT_HORIZONS]
        doubts = [one.name for one, (_, doubt) in zip(AMOUNT_HORIZONS, said, strict=True) if doubt]
        return ExpectedValue(said[0][0], said[1][0], said[2][0], tuple(doubts))
