"""Installs and payments of one's own history, decided as the product decides them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from online_models.hazard.encoding import Encoder
from online_models.value.model import ValueRules
from online_models.value.shape import LANDMARKS, paid_features
from schemas import topics
from schemas.outcomes import FeatureRow
from streams.errors import Stop
from streams.lab.evaluation.value.payment_table import PaymentTable, make_payment_table
from streams.lab.evaluation.value.value_replay import PackedFeatures
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.progress import Progress
from streams.replay.engine import Replay
from streams.replay.memory_log import MemoryRecord
from streams.replay.run import SourceReader, counted, survey
from streams.settings.tree import Settings
from streams.wiring.parts import stage_rules
from streams.worker.observers import StageMetrics

_BATCH = 4_000
_INSTALLS_MIN = 1_000
"""Fewer would tell nothing."""

_LANDMARKS = {landmark.name: number for number, landmark in enumerate(LANDMARKS)}


class _Install(msgspec.Struct, frozen=True, gc=False):
    """As much of an attribution as says who installed, and through whom."""

    install_id: str
    version: int
    conversion_type: str
    app_id: str
    platform: str
    country_code: str
    install_time: int
    media_source: str
    campaign_id: str


class _Paid(msgspec.Struct, frozen=True, gc=False):
    install_id: str
    event_time: int
    currency: str
    amount_micros: int


class _Outcomes:
    """The first decision of every install, all money, and features where they were frozen."""

    def __init__(self) -> None:
        self.installs: dict[str, _Install] = {}
        self.money: list[tuple[_Paid, int]] = []
        self.features: dict[tuple[str, int], dict[str, float]] = {}
        self.until = 0
        self._installs = msgspec.json.Decoder(_Install)
        self._paid = msgspec.json.Decoder(_Paid)
        self._features = msgspec.json.Decoder(FeatureRow)

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        for record in records:
            self.until = max(self.until, record.timestamp)
            if topic == topics.ATTRIBUTIONS.name:
                row = self._installs.decode(record.value or b"")
                if row.version == 1 and row.conversion_type != "reengagement":
                    self.installs[row.install_id] = row
            elif topic == topics.REVENUE.name:
                self.money.append((self._paid.decode(record.value or b""), record.timestamp))
            elif topic == topics.FEATURES.name:
                frozen = self._features.decode(record.value or b"")
                if frozen.landmark in _LANDMARKS:
                    place = frozen.install_id, _LANDMARKS[frozen.landmark]
                    self.features[place] = frozen.features


class _Columns(NamedTuple):
    """Payments, one element each; times since the install."""

    install: IntColumn
    paid_ms: IntColumn
    logged_ms: IntColumn
    amount: FloatColumn


@dataclass(frozen=True, slots=True)
class ValueHistory:
    installs: list[_Install]
    history: PaymentTable
    payments: _Columns
    until_ms: int
    currency: str
    other_currencies: int
    _features: dict[tuple[str, int], dict[str, float]]
    _encoder: Encoder

    def features(self, install: int, landmark: int) -> PackedFeatures:
        """As frozen by the product, where it froze them at this landmark; else the install's."""
        one = self.installs[install]
        known = self._features.get((one.install_id, landmark)) or {
            f"app={one.app_id}": 1.0,
            f"platform={one.platform}": 1.0,
            f"country={one.country_code}": 1.0,
            f"media_source={one.media_source}": 1.0,
            f"campaign={one.campaign_id}": 1.0,
        }
        spent = float(self.history.spent[install, landmark])
        paid = paid_features(spent, int(self.history.payments[install, landmark]))
        return PackedFeatures(*self._encoder.pack(known | paid), one.platform)

    def until(self, age_ms: int) -> FloatColumn:
        """What each install has paid before an age."""
        is_in = self.payments.paid_ms < age_ms
        found: FloatColumn = np.zeros(len(self.installs))
        np.add.at(found, self.payments.install[is_in], self.payments.amount[is_in])
        return found


def read_value_history(
    settings: Settings, files: Sequence[Path], advance: Progress
) -> ValueHistory:
    """Stop when there are too few installs. Money counts in the currency that most of it is in."""
    reader = SourceReader(files, settings.kafka.topic_prefix)
    order = survey(reader.read(), lambda done: advance("read", done, 0))
    records = counted(reader.read(), order.records, advance, "decide installs and payments")
    found = _Outcomes()
    Replay(stage_rules(settings), found.take, StageMetrics()).run(records, order, _BATCH)
    installs = sorted(found.installs.values(), key=lambda one: (one.install_time, one.install_id))
    if len(installs) < _INSTALLS_MIN:
        raise Stop(
            f"{len(installs)} installs in these files: a value model needs {_INSTALLS_MIN} or more;"
            " add history"
        )
    currencies = Counter(paid.currency for paid, _ in found.money)
    currency = currencies.most_common(1)[0][0] if currencies else ""
    payments = _payments(found, installs, currency)
    rules = ValueRules()
    return ValueHistory(
        installs=installs,
        history=make_payment_table(np.array([one.install_time for one in installs]), payments),
        payments=payments,
        until_ms=found.until,
        currency=currency,
        other_currencies=len(found.money) - currencies[currency],
        _features=found.features,
        _encoder=Encoder(rules.slots, rules.seed),
    )


def _payments(found: _Outcomes, installs: list[_Install], currency: str) -> _Columns:
    number = {one.install_id: index for index, one in enumerate(installs)}
    rows = [
        (number[paid.install_id], paid.event_time, max(logged, paid.event_time), paid.amount_micros)
        for paid, logged in found.money
        if paid.currency == currency and paid.install_id in number
    ]
    table = np.array(rows, np.int64).reshape(-1, 4)
    since = np.array([one.install_time for one in installs])[table[:, 0]]
    return _Columns(
        table[:, 0], np.maximum(table[:, 1] - since, 0), table[:, 2] - since, table[:, 3] / 1e6
    )
