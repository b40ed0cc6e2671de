"""The very predictions that were served for a horizon, beside what happened.

A row is an install at a landmark at which it was not known to have paid. An install has up to five
rows for day 7, which are no independent evidence: people are counted apart, and intervals draw
installs, not rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from online_models.hazard.bins import PAYER
from schemas.time import DAY_MS
from streams.lab.evaluation.payer.history import PayerHistory
from streams.lab.evaluation.payer.payer_log import JUDGED_HORIZONS, RELEASED_MS
from streams.lab.simulator.draws import BoolColumn, FloatColumn, IntColumn

JUDGED_FROM_MS = 8 * DAY_MS
"""Predictions count from this age of the history on: the first installs are known by then."""

_LANDMARK_OF = {one.name: number for number, one in enumerate(PAYER.landmarks)}
_AGES_MS = np.array([one.after_ms for one in PAYER.landmarks])


@dataclass(frozen=True, slots=True)
class ServedRows:
    """Columns, one element per prediction served for one horizon, in log order."""

    install: IntColumn
    landmark: IntColumn
    day: IntColumn
    """Whole days of log time since the history began."""
    chance: FloatColumn
    is_full: BoolColumn
    """Whether the model answered, with what was known at the landmark."""
    label: BoolColumn  # paid by the horizon

    def __len__(self) -> int:
        return len(self.label)

    @property
    def people(self) -> int:
        return len(np.unique(self.install))

    @property
    def payers(self) -> int:
        return len(np.unique(self.install[self.label]))


def served_rows(own: PayerHistory, horizon: str) -> ServedRows:
    """Those that can be judged: the horizon was over when the history ends."""
    install, landmark, at, is_full, chance = _columns(own, horizon)
    end = JUDGED_HORIZONS[horizon]
    paid = own.log.seems_paid_ms[install]
    which = _is_judged(own, install, landmark, at, end)
    return ServedRows(
        install=install[which],
        landmark=landmark[which],
        day=(at[which] - own.begin_ms) // DAY_MS,
        chance=chance[which],
        is_full=is_full[which],
        label=((paid >= 0) & (paid < end))[which],
    )


class _Columns(NamedTuple):
    install: IntColumn
    landmark: IntColumn
    at: IntColumn  # log time, in ms
    is_full: BoolColumn
    chance: FloatColumn


def _columns(own: PayerHistory, horizon: str) -> _Columns:
    """Everything served for the horizon; an install and landmark once."""
    number = {install.key: index for index, install in enumerate(own.decided.installs)}
    found: dict[tuple[int, int], tuple[int, bool, float]] = {}
    for row in own.decided.predictions:
        chance, landmark = row.chances.get(horizon), _LANDMARK_OF.get(row.landmark)
        if row.target == "payer" and chance is not None and landmark is not None:
            place = number.get(row.key, -1), landmark
            found.setdefault(place, (row.predicted_at, row.tier == "full", chance))
    rows = [(*place, *answer) for place, answer in found.items() if place[0] >= 0]
    table = np.array(rows, float).reshape(-1, 5).T
    whole = table[:3].astype(np.int64)
    return _Columns(whole[0], whole[1], whole[2], table[3] > 0, table[4])


def _is_judged(
    own: PayerHistory, install: IntColumn, landmark: IntColumn, at: IntColumn, end: int
) -> BoolColumn:
    paid, age = own.log.seems_paid_ms[install], _AGES_MS[landmark]
    over_after = int(RELEASED_MS[PAYER.edges.index(end) - 1])
    is_over = own.installed_at[install] + over_after <= own.until_ms
    had_paid = (paid >= 0) & (paid < age)
    is_warm = at - own.begin_ms >= JUDGED_FROM_MS
    return np.asarray(is_over & (age < end) & ~had_paid & is_warm)
