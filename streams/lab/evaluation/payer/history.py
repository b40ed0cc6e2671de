"""First payments and features of a recorded history, as the product decides and freezes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from online_models.hazard.bins import PAYER
from online_models.scoring.shrunk_rates import InstallOrigin
from streams.errors import Stop
from streams.lab.evaluation.payer.payer_log import PayerLog, make_payer_log
from streams.lab.evaluation.replay.decided_history import (
    BookedRevenue,
    DecidedHistory,
    DecidedInstall,
    read_decided_history,
)
from streams.lab.evaluation.replay.world_features import NamedFeatures
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.paying_worlds import PaymentReports
from streams.progress import Progress
from streams.replay.tally import ConversionKey
from streams.settings import Settings


class RecordedFeatures:
    """As the product froze them; where it froze none at a landmark, those of the install."""

    def __init__(
        self,
        installs: Sequence[DecidedInstall],
        known: Mapping[ConversionKey, Mapping[str, NamedFeatures]],
    ) -> None:
        self.platforms = [one.platform for one in installs]
        self.places = [
            InstallOrigin(one.app_id, one.media_source, one.country_code, one.platform)
            for one in installs
        ]
        self._known = [known.get(one.key, {}) for one in installs]

    def at(self, install: int, landmark: int) -> NamedFeatures:
        known = self._known[install]
        found = known.get(PAYER.landmarks[landmark].name)
        return known.get(PAYER.landmarks[0].name, {}) if found is None else found


@dataclass(frozen=True, slots=True)
class PayerHistory:
    log: PayerLog
    features: RecordedFeatures
    begin_ms: int  # the first install
    until_ms: int  # log time of the last outcome
    installs: int
    payers: int
    installed_at: IntColumn
    decided: DecidedHistory


def read_payer_history(
    settings: Settings, files: Sequence[Path], advance: Progress
) -> PayerHistory:
    """Stop: there are too few installs, or none of them pays."""
    own = payer_history_of(read_decided_history(settings, files, "payer", advance))
    if not own.payers:
        raise Stop("no payment of any of these installs is in these files; add purchases")
    return own


def payer_history_of(found: DecidedHistory) -> PayerHistory:
    """Of one install or more; nobody has to pay."""
    times = np.array([one.install_time for one in found.installs])
    reports = _first_reports(found.bookings, found.installs)
    return PayerHistory(
        log=make_payer_log(times, reports),
        features=RecordedFeatures(found.installs, found.features),
        begin_ms=int(times[0]),
        until_ms=found.until_ms,
        installs=len(found.installs),
        payers=len(np.unique(reports.install)),
        installed_at=times,
        decided=found,
    )


def _first_reports(
    bookings: Sequence[tuple[BookedRevenue, int]], installs: Sequence[DecidedInstall]
) -> PaymentReports:
    """Each purchase of an install when it was first known, but none that was refunded in full."""
    number = {one.key: index for index, one in enumerate(installs)}
    booked = [
        (booking, logged_at) for booking, logged_at in bookings if booking.kind != "ad_revenue"
    ]
    left: dict[tuple[ConversionKey, str], int] = defaultdict(int)
    for booking, _ in booked:
        left[booking.payer, booking.transaction_id] += booking.amount_micros
    first: dict[tuple[ConversionKey, str], tuple[int, int]] = {}
    for booking, logged_at in booked:
        key = booking.payer, booking.transaction_id
        if booking.kind != "refund" and booking.payer in number and left[key] > 0:
            known = max(logged_at, booking.event_time), booking.event_time
            first[key] = min(first.get(key, known), known)
    rows = []
    for payment, ((payer, _), (known_at, paid_at)) in enumerate(first.items()):
        install = number[payer]
        since = installs[install].install_time
        rows.append((install, max(paid_at - since, 0), max(known_at - since, 0), payment))
    rows.sort(key=lambda row: (row[2], row[0]))
    return PaymentReports(*np.array(rows, np.int64).reshape(-1, 4).T)
