"""The value model: it learns amounts as buckets mature, and scores at any time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.kernel import EncodedRows, Kernel, Memory, new_memory, new_weights
from online_models.hazard.packed import MALFORMED, unpacked
from online_models.hazard.rules import Numbers, Places, add_platform
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.amount_arrays import ActualAmounts, AmountRows, new_amounts
from online_models.value.amounts import learn_amounts
from online_models.value.ladder import Ladder, StepRow
from online_models.value.rules import (
    AMOUNT_MAX,
    VALUE_COLUMNS,
    ValueRules,
    amount_rates,
    chance_rates,
    grid_row,
    value_frame,
)
from online_models.value.scorer import ExpectedValue, ValueAsk, ValueScorer
from online_models.value.shape import VALUE_BUCKETS, first_bucket

__all__ = ["ExpectedValue", "StepRow", "ValueAsk", "ValueModel", "ValueRow", "ValueRules"]


class ValueRow(NamedTuple):
    """The amount paid in what was left of a bucket at a landmark, with the features frozen there.

    Rows of one install that mature together carry its id as `group` and follow each other: all
    are predicted before any is learned. An amount of 0 or less: nothing was paid, or all refunded.
    """

    slots: bytes
    values: bytes
    landmark: int
    bucket: int
    amount: float
    spent: float = 0.0
    platform: str = ""
    group: str = ""


class ValueLearnCounts(Struct):
    """Rows since the beginning of the log. `skipped`: unusable bytes, features or amounts."""

    rows: int = 0
    with_revenue: int = 0
    skipped: int = 0


class ValueModel:
    """`learn` and `develop` are the only ways forward; what they do depends on the rows and their
    order alone. Batch boundaries change nothing, as long as they do not cut a group."""

    def __init__(self, rules: ValueRules | None = None, kernel: Kernel | None = None) -> None:
        self.rules = rules or ValueRules()
        slots, base = self.rules.slots, value_frame(self.rules).base
        self.memory: Memory = new_memory(slots, VALUE_COLUMNS, base.shape)
        weights = new_weights(slots, VALUE_COLUMNS, base)
        state = (weights, new_amounts(self.rules), Ladder(self.rules))
        self.scorer = ValueScorer(self.rules, state, (), kernel)
        self.counts = ValueLearnCounts()
        self._chance_rates = chance_rates(self.rules)
        self._amount_rates = amount_rates(self.rules)
        self._first = [first_bucket(mark) for mark in range(len(LANDMARKS))]

    def learn(self, rows: Sequence[ValueRow]) -> Numbers:
        """Learn rows in order. Returns the expected amount of each before its group was learned;
        NaN: skipped. ValueError: a landmark or bucket does not exist."""
        # To the kernels, a row with an unusable amount is one with unusable features.
        packed = [row[:2] if _is_usable(row) else MALFORMED for row in rows]
        chance, amount = self._abouts(rows)
        amounts, spent = np.array([(row.amount, row.spent) for row in rows], float).reshape(-1, 2).T
        encoded = unpacked(packed)
        predicted = self._learned(amounts, AmountRows(*encoded, amount, spent), chance)
        learned = ~np.isnan(predicted)
        self.counts.rows += int(learned.sum())
        self.counts.skipped += int((~learned).sum())
        self.counts.with_revenue += int((amounts[learned] > 0.0).sum())
        return predicted

    def learn_one(self, row: ValueRow) -> float:
        """`learn` of one row."""
        return float(self.learn([row])[0])

    def develop(self, steps: Sequence[StepRow]) -> None:
        """Learn the growth of cohorts in a step of their life: one row per install and step."""
        self.scorer.ladder.learn(steps)

    def _learned(self, amounts: Numbers, rows: AmountRows, chance: Places) -> Numbers:
        scorer = self.scorer
        chances = scorer.kernel.learn(
            EncodedRows(rows.starts, rows.slots, rows.values, chance),
            scorer.weights,
            self.memory,
            scorer.frame,
            self._chance_rates,
        )
        return learn_amounts(
            rows,
            ActualAmounts(amounts, chances),
            scorer.amounts,
            scorer.frame.columns,
            self._amount_rates,
        )

    def _abouts(self, rows: Sequence[ValueRow]) -> tuple[Places, Places]:
        chance, amount = array("q"), array("q")
        number, group_before = 0, ""
        for row in rows:
            if not 0 <= row.landmark < len(LANDMARKS):
                raise ValueError(f"no landmark {row.landmark}")
            if not self._first[row.landmark] <= row.bucket < len(VALUE_BUCKETS):
                raise ValueError(f"bucket {row.bucket} is over at landmark {row.landmark}, or none")
            number += row.group != group_before
            group_before = row.group
            at = grid_row(row.landmark, row.spent > 0.0)
            group = number if row.group else 0
            chance.extend(
                (
                    at,
                    row.bucket,
                    row.amount > 0.0,
                    add_platform(self.scorer.platforms, row.platform),
                    group,
                )
            )
            amount.extend((at, row.bucket, group))
        return (
            np.frombuffer(chance, np.int64).reshape(-1, 5),
            np.frombuffer(amount, np.int64).reshape(-1, 3),
        )


def _is_usable(row: ValueRow) -> bool:
    return abs(row.amount) <= AMOUNT_MAX and abs(row.spent) <= AMOUNT_MAX
