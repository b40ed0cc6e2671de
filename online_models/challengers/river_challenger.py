"""One River classifier beside the champion: it learns the same rows and is judged on them.

All rows of a block are predicted before any is learned, as by every other model. Whatever it does
wrong suspends it alone: it raises, gives no chance, or holds more than it may. That follows from
the log, so it comes out the same when the log is read again. Its cost is measured by a clock, and
decides nothing here: who measures it orders it to be suspended, in the log.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from online_models.challengers.declaration import RiverDeclaration, challenger_model
from online_models.challengers.new_estimator import ChallengerError, fault_line, new_estimator
from online_models.challengers.plain_state import (
    NotPlainError,
    PlainValue,
    fill_plain,
    plain_of,
    raise_unless_fault,
)
from online_models.challengers.row_features import RowFeatures
from online_models.challengers.state_size import state_size
from online_models.hazard.rules import CHANCE_MIN, Numbers
from online_models.learning.verdicts import VersionFigures, finite

SIZED_EVERY = 10
"""Blocks between two looks at how much an estimator holds, which is looked at after each of the
first ones: what grows without bound must not fill a worker's memory before that."""

INTERVAL_Z = 1.96
"""Half the width of an interval, in standard errors: 95 % of cases."""


class ChallengerRow(NamedTuple):
    """A row as challengers see it; `place`: its number among the rows of the block."""

    features: RowFeatures
    label: bool
    place: int


class References(NamedTuple):
    """Hazards by others, one per row of a block."""

    champion: Numbers
    rates: Numbers
    constant: Numbers


class ChallengerSums(Struct, frozen=True, array_like=True, gc=False):
    """What is kept of one block: losses in nats, on the rows that the challenger predicted."""

    rows: int
    positives: int
    predicted: float
    own: float
    champion: float
    rates: float
    constant: float


class LossDifference(NamedTuple):
    """Own loss less that of another, in nats per row, and its interval over blocks."""

    mean: float
    low: float
    high: float


class RiverChallenger:
    """`learn` is the only way forward. An estimator that draws at random needs a seed among its
    parameters, or the log does not decide what it learns."""

    def __init__(self, target: str, declared: RiverDeclaration, prior: float, window: int) -> None:
        self.declared = declared
        self.model = challenger_model(target, declared.name)
        self.estimator: Any = new_estimator(declared)
        self.sums: deque[ChallengerSums] = deque(maxlen=window)
        self.rows = 0
        self.positives = 0
        self.blocks = 0
        self.suspended = ""
        """Why it neither learns nor predicts; empty: it does."""
        self.seconds = 0.0
        self.timed_rows = 0
        """Measured since the start; no part of the state."""
        self._prior = prior
        self._not_plain: NotPlainError | None = None

    def takes(self, install_id: str) -> bool:
        """Whether it learns the rows of this install, all of them or none."""
        one_in = self.declared.one_in
        if one_in == 1:
            return True
        key = f"{self.model}:{install_id}".encode(errors="surrogatepass")
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) % one_in == 0

    def learn(
        self, rows: Sequence[ChallengerRow], references: References, clock: Callable[[], float]
    ) -> None:
        """Predict the rows of a block, then learn them."""
        if self.suspended or not rows:
            return
        begun = clock()
        try:
            # Copies: all challengers are given the same rows, and one may write into its own.
            predicted = np.array([self._chance({**row.features}) for row in rows])
            for row in rows:
                self.estimator.learn_one({**row.features}, row.label)
        except BaseException as error:  # Code of users may raise anything.
            raise_unless_fault(error)
            self.suspended = fault_line(error)
            return
        self.seconds += clock() - begun
        self.timed_rows += len(rows)
        self.rows += len(rows)
        self.positives += sum(row.label for row in rows)
        self.blocks += 1
        self.sums.append(_sums(rows, predicted, references))
        if self.blocks < SIZED_EVERY or self.blocks % SIZED_EVERY == 0:
            self._look_at_size()

    def compared(self, reference: str) -> LossDifference:
        """Own loss less that of `champion`, `rates` or `constant`; blocks count as one draw each,
        since the rows of one install follow each other. NaN without two blocks."""
        kept = [sums for sums in self.sums if sums.rows]
        rows = sum(sums.rows for sums in kept)
        if len(kept) < 2:
            return LossDifference(math.nan, math.nan, math.nan)
        differences = np.array([sums.own - getattr(sums, reference) for sums in kept])
        sizes = np.array([sums.rows for sums in kept])
        mean = float(differences.sum()) / rows
        spread = differences - mean * sizes
        error = math.sqrt(float(spread @ spread) * len(kept) / (len(kept) - 1)) / rows
        return LossDifference(mean, mean - INTERVAL_Z * error, mean + INTERVAL_Z * error)

    def figures(self) -> VersionFigures:
        """The evidence over the last blocks, by name, for a row of outcomes."""
        kept = [*self.sums]
        rows, positives = sum(one.rows for one in kept), sum(one.positives for one in kept)
        own, rates, constant = (
            math.fsum(getattr(one, name) for one in kept) for name in ("own", "rates", "constant")
        )
        over_champion, over_rates = self.compared("champion"), self.compared("rates")
        return finite(
            {
                "rows": float(rows),
                "positives": float(positives),
                "normalised_entropy": own / constant if constant else math.nan,
                "entropy_over_rates": own / rates if rates else math.nan,
                "calibration_ratio": (
                    math.fsum(one.predicted for one in kept) / positives if positives else math.nan
                ),
                f"log_loss:challenger:{self.declared.name}": own / rows if rows else math.nan,
                "positives_learned": float(self.positives),
                "loss_over_champion_low": over_champion.low,
                "loss_over_champion_high": over_champion.high,
                "loss_over_rates_low": over_rates.low,
                "loss_over_rates_high": over_rates.high,
            }
        )

    def plain(self) -> PlainValue | NotPlainError:
        """What it has learned as plain values, which were read back; or why it cannot be so."""
        if self._not_plain is None:
            try:
                plain = plain_of(self.estimator)
                fill_plain(new_estimator(self.declared), plain)
                return plain
            except NotPlainError as error:
                self._not_plain = error  # What has grown once does not shrink to plain values.
            except BaseException as error:  # It may be nested too deep, or answer as it likes.
                raise_unless_fault(error)
                self._not_plain = NotPlainError(fault_line(error))
        return self._not_plain

    def begin_again(self) -> None:
        """Forget everything, and learn."""
        try:
            self.estimator = new_estimator(self.declared)
        except ChallengerError as error:  # It could be made when the worker started.
            self.suspended = str(error)
            return
        self._not_plain = None
        self.sums.clear()
        self.rows = self.positives = self.blocks = 0
        self.suspended = ""
        self.seconds, self.timed_rows = 0.0, 0

    def _chance(self, features: RowFeatures) -> float:
        return chance_of(self.estimator.predict_proba_one(features), self._prior)

    def _look_at_size(self) -> None:
        limit = self.declared.state_bytes
        try:
            size = state_size(self.estimator, limit)
        except BaseException as error:  # Code of users may answer anything.
            raise_unless_fault(error)
            self.suspended = fault_line(error)
            return
        if size > limit:
            self.suspended = f"it holds more than {limit} bytes after {self.rows} rows"
            self.estimator = None  # Until it begins again.


def chance_of(predicted: Any, prior: float) -> float:
    """The chance of the label; `prior` while a classifier knows no label yet. ValueError: there is
    none between 0 and 1."""
    if not predicted:
        return prior
    chance = predicted.get(True, 0.0)
    if not 0.0 <= chance <= 1.0:  # NaN is neither.
        raise ValueError(f"it gave {chance} for a chance")
    return float(min(max(chance, CHANCE_MIN), 1.0 - CHANCE_MIN))


def _sums(
    rows: Sequence[ChallengerRow], predicted: Numbers, references: References
) -> ChallengerSums:
    places = np.array([row.place for row in rows])
    labels = np.array([row.label for row in rows], np.bool_)
    return ChallengerSums(
        rows=len(rows),
        positives=int(np.count_nonzero(labels)),
        predicted=float(predicted.sum()),
        own=_loss(labels, predicted),
        champion=_loss(labels, references.champion[places]),
        rates=_loss(labels, references.rates[places]),
        constant=_loss(labels, references.constant[places]),
    )


def _loss(labels: NDArray[np.bool_], predicted: Numbers) -> float:
    chance = np.clip(np.where(labels, predicted, 1.0 - predicted), CHANCE_MIN, 1.0 - CHANCE_MIN)
    return float(-np.log(chance).sum())
