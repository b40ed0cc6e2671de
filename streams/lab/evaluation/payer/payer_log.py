"""When payer models are asked, and when they learn, as the product would learn of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from online_models.hazard.bins import PAYER
from online_models.scoring.releases import release_times
from schemas.time import DAY_MS
from streams.lab.evaluation.replay.occasions import Occasions
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.paying_worlds import NEVER_PAYS, PaymentReports
from streams.lab.simulator.paying_worlds.steps import LANDMARK_MS

RELEASED_MS: IntColumn = np.array(release_times(PAYER.edges))
"""When the outcome of each bin is learned: some time after it ends, because reports come late. A
payment known later is learned when it is known, beside the wrong "not paid" that was learned by
then: among many rows that were right, one that was not hardly matters, a missing payment does."""

JUDGED_HORIZONS = {"d7": 7 * DAY_MS, "d30": 30 * DAY_MS}
"""What is judged, and what the challengers that wait for a horizon wait for."""

_NOT_KNOWN = np.int64(1) << 62
_EDGES: IntColumn = np.array(PAYER.edges)


@dataclass(frozen=True, slots=True)
class PayerLog:
    """`which` is a landmark, but in `bins`, where it is a bin."""

    asks: Occasions
    bins: Occasions
    horizons: dict[str, Occasions]
    payments: Occasions
    """Payments within seven days when they become known: a row per landmark before them."""
    seems_paid_ms: IntColumn
    """Of each install: ms since the install of the payment that was known first, or NEVER_PAYS."""


def make_payer_log(installed_at: IntColumn, reports: PaymentReports) -> PayerLog:
    """Payments count once, by id; the first that is known of an install decides."""
    installs = len(installed_at)
    paid, known = np.full(installs, NEVER_PAYS), np.full(installs, _NOT_KNOWN)
    _, first = np.unique(reports.payment, return_index=True)
    for number in np.sort(first)[::-1].tolist():
        paid[reports.install[number]] = reports.paid_ms[number]
        known[reports.install[number]] = reports.logged_ms[number]
    ends = np.where(paid == NEVER_PAYS, _NOT_KNOWN, paid)
    return PayerLog(
        asks=_asks(installed_at, known),
        bins=_bins(installed_at, ends, known),
        horizons={
            name: _horizon(installed_at, ends, known, end) for name, end in JUDGED_HORIZONS.items()
        },
        payments=_payments(installed_at, ends, known),
        seems_paid_ms=paid,
    )


def _asks(installed_at: IntColumn, known: IntColumn) -> Occasions:
    """Nobody is asked about an install that is known to have paid."""
    install, landmark = np.nonzero(known[:, None] > LANDMARK_MS)
    return Occasions.ordered(installed_at[install] + LANDMARK_MS[landmark], install, landmark)


def _bins(installed_at: IntColumn, ends: IntColumn, known: IntColumn) -> Occasions:
    bin_of = np.searchsorted(_EDGES, ends, side="right") - 1
    due = RELEASED_MS
    number = np.arange(PAYER.bins)
    is_over = (number < bin_of[:, None]) | (due < known[:, None])
    install, survived = np.nonzero(is_over)
    payer = np.flatnonzero(bin_of < PAYER.bins)
    paid = bin_of[payer]
    learned = np.maximum(due[paid], known[payer])
    return Occasions.ordered(
        np.concatenate([installed_at[install] + due[survived], installed_at[payer] + learned]),
        np.concatenate([install, payer]),
        np.concatenate([survived, paid]),
        np.concatenate([np.zeros(len(install), bool), np.ones(len(payer), bool)]),
    )


def _horizon(
    installed_at: IntColumn, ends: IntColumn, known: IntColumn, horizon_ms: int
) -> Occasions:
    """One row per landmark before the horizon that had not paid by then."""
    due = int(RELEASED_MS[np.searchsorted(_EDGES, horizon_ms) - 1])
    seems_paid = (ends < horizon_ms) & (known <= due)
    is_open = ~seems_paid[:, None] | (ends[:, None] >= LANDMARK_MS)
    install, landmark = np.nonzero(is_open & (horizon_ms > LANDMARK_MS))
    return Occasions.ordered(installed_at[install] + due, install, landmark, seems_paid[install])


def _payments(installed_at: IntColumn, ends: IntColumn, known: IntColumn) -> Occasions:
    install, landmark = np.nonzero(
        (ends[:, None] >= LANDMARK_MS) & (ends < JUDGED_HORIZONS["d7"])[:, None]
    )
    paid = np.ones(len(install), bool)
    return Occasions.ordered(installed_at[install] + known[install], install, landmark, paid)
