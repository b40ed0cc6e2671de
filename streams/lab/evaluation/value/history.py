"""Installs and payments of a recorded history, as a value model would have come to know them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from online_models.hazard.encoding import Encoder
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.model import ValueRules
from online_models.value.shape import paid_features
from streams.lab.evaluation.replay.decided_history import (
    DecidedHistory,
    DecidedInstall,
    read_decided_history,
)
from streams.lab.evaluation.replay.world_features import NamedFeatures
from streams.lab.evaluation.value.payment_table import (
    PaymentTable,
    make_payment_table,
)
from streams.lab.evaluation.value.value_replay import PackedFeatures
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.progress import Progress
from streams.replay.tally import ConversionKey
from streams.settings import Settings


class _Columns(NamedTuple):
    """Payments, one element each; times are ms since the install."""

    install: IntColumn
    paid_ms: IntColumn
    logged_ms: IntColumn
    amount: FloatColumn


@dataclass(frozen=True, slots=True)
class ValueHistory:
    installs: list[DecidedInstall]
    table: PaymentTable
    payments: _Columns
    until_ms: int  # log time of the last outcome
    currency: str
    other_currencies: int  # payments that are left out
    _known: Mapping[ConversionKey, Mapping[str, NamedFeatures]]
    _encoder: Encoder

    def features(self, install: int, landmark: int) -> PackedFeatures:
        """As the product froze them; where it froze none at a landmark, those of the install."""
        decided = self.installs[install]
        known = self._known.get(decided.key, {}).get(LANDMARKS[landmark].name) or {
            f"app={decided.app_id}": 1.0,
            f"platform={decided.platform}": 1.0,
            f"country={decided.country_code}": 1.0,
            f"media_source={decided.media_source}": 1.0,
            f"campaign={decided.campaign_id}": 1.0,
        }
        spent = float(self.table.spent[install, landmark])
        paid = paid_features(spent, int(self.table.payments[install, landmark]))
        return PackedFeatures(*self._encoder.pack(known | paid), decided.platform)

    def paid_until(self, age_ms: int) -> FloatColumn:
        """What each install has paid before an age."""
        paid = self.payments
        is_in = paid.paid_ms < age_ms
        total = np.bincount(paid.install[is_in], paid.amount[is_in], len(self.installs))
        return np.asarray(total, np.float64)


def read_value_history(
    settings: Settings, files: Sequence[Path], advance: Progress
) -> ValueHistory:
    """Only money in the most frequent currency counts. Stop: there are too few installs."""
    found = read_decided_history(settings, files, "value", advance)
    currencies = Counter(booking.currency for booking, _ in found.bookings)
    currency = currencies.most_common(1)[0][0] if currencies else ""
    payments = _payments(found, currency)
    rules = ValueRules()
    return ValueHistory(
        installs=found.installs,
        table=make_payment_table(np.array([one.install_time for one in found.installs]), payments),
        payments=payments,
        until_ms=found.until_ms,
        currency=currency,
        other_currencies=len(found.bookings) - currencies[currency],
        _known=found.features,
        _encoder=Encoder(rules.slots, rules.seed),
    )


def _payments(found: DecidedHistory, currency: str) -> _Columns:
    number = {one.key: index for index, one in enumerate(found.installs)}
    rows = [
        (number[paid.payer], paid.event_time, max(logged, paid.event_time), paid.amount_micros)
        for paid, logged in found.bookings
        if paid.currency == currency and paid.payer in number
    ]
    table = np.array(rows, np.int64).reshape(-1, 4)
    since = np.array([one.install_time for one in found.installs])[table[:, 0]]
    return _Columns(
        install=table[:, 0],
        paid_ms=np.maximum(table[:, 1] - since, 0),
        logged_ms=table[:, 2] - since,
        amount=table[:, 3] / 1e6,
    )
