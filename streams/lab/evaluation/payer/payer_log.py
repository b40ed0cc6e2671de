"""What happens when, as the product would learn of it: questions, bins that end, horizons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from online_models.hazard.bins import PAYER
from online_models.scoring.releases import release_times
from schemas.time import DAY_MS
from streams.lab.simulator.draws import BoolColumn, IntColumn
from streams.lab.simulator.paying_worlds import NEVER, PaymentReports
from streams.lab.simulator.paying_worlds.steps import LANDMARK_MS

RELEASED_MS: IntColumn = np.array(release_times(PAYER.edges))
"""When the outcome of each bin is said: some time after it ends, because reports come late. A
payment known later is learned when it is known, beside the wrong "not paid" that was learned by
then: among many rows that were right, one that was not hardly matters, a missing payment does."""

JUDGED_HORIZONS = {"d7": 7 * DAY_MS, "d30": 30 * DAY_MS}
"""What is judged, and what those who wait for it wait for."""

_NOT_KNOWN = np.int64(1) << 62
_EDGES: IntColumn = np.array(PAYER.edges)


@dataclass(frozen=True, slots=True)
class Happenings:
    """Columns, in order of time. `which` is a landmark, or a bin."""

    time: IntColumn
    install: IntColumn
    which: IntColumn
    label: BoolColumn

    def between(self, begin: int, end: int) -> slice:
        first, last = np.searchsorted(self.time, [begin, end])
        return slice(int(first), int(last))


@dataclass(frozen=True, slots=True)
class PayerLog:
    asks: Happenings
    bins: Happenings
    horizons: dict[str, Happenings]
    payments: Happenings
    """Payments within seven days when they become known: a row per landmark before them."""
    seems_paid_ms: IntColumn  # since the install, of the payment that was known first; NEVER


def make_payer_log(installed_at: IntColumn, reports: PaymentReports) -> PayerLog:
    """Payments count once, by id; the first that is known of an install decides."""
    installs = len(installed_at)
    paid, known = np.full(installs, NEVER), np.full(installs, _NOT_KNOWN)
    _, first = np.unique(reports.payment, return_index=True)
    for number in np.sort(first)[::-1].tolist():
        paid[reports.install[number]] = reports.paid_ms[number]
        known[reports.install[number]] = reports.logged_ms[number]
    ends = np.where(paid == NEVER, _NOT_KNOWN, paid)
    horizons = {
        name: _horizon(installed_at, ends, known, end) for name, end in JUDGED_HORIZONS.items()
    }
    payments = _payments(installed_at, ends, known)
    return PayerLog(
        _asks(installed_at, known), _bins(installed_at, ends, known), horizons, payments, paid
    )


def _asks(installed_at: IntColumn, known: IntColumn) -> Happenings:
    """Nobody is asked about who is known to have paid."""
    install, landmark = np.nonzero(known[:, None] > LANDMARK_MS)
    time = installed_at[install] + LANDMARK_MS[landmark]
    return _ordered(time, install, landmark, np.zeros(len(time), bool))


def _bins(installed_at: IntColumn, ends: IntColumn, known: IntColumn) -> Happenings:
    bin_of = np.searchsorted(_EDGES, ends, side="right") - 1
    due = RELEASED_MS
    number = np.arange(PAYER.bins)
    is_over = (number < bin_of[:, None]) | (due < known[:, None])
    install, survived = np.nonzero(is_over)
    payer = np.flatnonzero(bin_of < PAYER.bins)
    paid = bin_of[payer]
    told = np.maximum(due[paid], known[payer])
    return _ordered(
        np.concatenate([installed_at[install] + due[survived], installed_at[payer] + told]),
        np.concatenate([install, payer]),
        np.concatenate([survived, paid]),
        np.concatenate([np.zeros(len(install), bool), np.ones(len(payer), bool)]),
    )


def _horizon(
    installed_at: IntColumn, ends: IntColumn, known: IntColumn, horizon_ms: int
) -> Happenings:
    """One row per landmark before the horizon that had not paid by then."""
    due = int(RELEASED_MS[np.searchsorted(_EDGES, horizon_ms) - 1])
    seems_paid = (ends < horizon_ms) & (known <= due)
    is_open = ~seems_paid[:, None] | (ends[:, None] >= LANDMARK_MS)
    install, landmark = np.nonzero(is_open & (horizon_ms > LANDMARK_MS))
    return _ordered(installed_at[install] + due, install, landmark, seems_paid[install])


def _payments(installed_at: IntColumn, ends: IntColumn, known: IntColumn) -> Happenings:
    install, landmark = np.nonzero(
        (ends[:, None] >= LANDMARK_MS) & (ends < JUDGED_HORIZONS["d7"])[:, None]
    )
    return _ordered(
        installed_at[install] + known[install], install, landmark, np.ones(len(install), bool)
    )


def _ordered(
    time: IntColumn, install: IntColumn, which: IntColumn, label: BoolColumn
) -> Happenings:
    order = np.lexsort((which, install, time))
    return Happenings(time[order], install[order], which[order], label[order])
