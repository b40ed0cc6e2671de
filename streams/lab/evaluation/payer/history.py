"""First payments and features of one's own history, as the product decides and freezes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from online_models.hazard.bins import PAYER
from online_models.scoring.shrunk_rates import Place
from schemas import topics
from schemas.outcomes import FeatureRow
from streams.errors import Stop
from streams.lab.evaluation.payer.payer_log import PayerLog, make_payer_log
from streams.lab.evaluation.replay.world_features import NamedFeatures
from streams.lab.simulator.paying_worlds import PaymentReports
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

_LANDMARKS = {landmark.name: number for number, landmark in enumerate(PAYER.landmarks)}
_INSTALL = 0


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


class _Booked(msgspec.Struct, frozen=True, gc=False):
    install_id: str
    transaction_id: str
    kind: str
    event_time: int
    amount_micros: int


class _Outcomes:
    """The first decision of every install, all payments, and features where they were frozen."""

    def __init__(self) -> None:
        self.installs: dict[str, _Install] = {}
        self.booked: list[tuple[_Booked, int]] = []
        self.features: dict[str, dict[int, NamedFeatures]] = defaultdict(dict)
        self.until = 0
        self._installs = msgspec.json.Decoder(_Install)
        self._booked = msgspec.json.Decoder(_Booked)
        self._features = msgspec.json.Decoder(FeatureRow)

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        for record in records:
            self.until = max(self.until, record.timestamp)
            self._take(topic, record.value or b"", record.timestamp)

    def _take(self, topic: str, value: bytes, logged_at: int) -> None:
        if topic == topics.ATTRIBUTIONS.name:
            install = self._installs.decode(value)
            if install.version == 1 and install.conversion_type != "reengagement":
                self.installs[install.install_id] = install
        elif topic == topics.REVENUE.name:
            booked = self._booked.decode(value)
            if booked.kind != "ad_revenue":
                self.booked.append((booked, logged_at))
        elif topic == topics.FEATURES.name:
            frozen = self._features.decode(value)
            landmark = _LANDMARKS.get(frozen.landmark)
            if landmark is not None:
                self.features[frozen.install_id][landmark] = frozen.features


class RecordedFeatures:
    """As the product froze them; where it froze none at a landmark, those of the install."""

    def __init__(
        self, installs: Sequence[_Install], known: dict[str, dict[int, NamedFeatures]]
    ) -> None:
        self.platforms = [one.platform for one in installs]
        self.places = [
            Place(one.app_id, one.media_source, one.country_code, one.platform) for one in installs
        ]
        self._known = [known.get(one.install_id, {}) for one in installs]

    def at(self, install: int, landmark: int) -> NamedFeatures:
        known = self._known[install]
        found = known.get(landmark)
        if found is not None:
            return found
        return known.get(_INSTALL, {})


@dataclass(frozen=True, slots=True)
class PayerHistory:
    log: PayerLog
    features: RecordedFeatures
    begin_ms: int
    until_ms: int
    installs: int
    payers: int


def read_payer_history(
    settings: Settings, files: Sequence[Path], advance: Progress
) -> PayerHistory:
    """Stop when there are too few installs, or nobody pays."""
    reader = SourceReader(files, settings.kafka.topic_prefix)
    order = survey(reader.read(), lambda done: advance("read", done, 0))
    records = counted(reader.read(), order.records, advance, "decide installs and payments")
    found = _Outcomes()
    Replay(stage_rules(settings), found.take, StageMetrics()).run(records, order, _BATCH)
    installs = sorted(found.installs.values(), key=lambda one: (one.install_time, one.install_id))
    if len(installs) < _INSTALLS_MIN:
        raise Stop(
            f"{len(installs)} installs in these files: a payer model needs {_INSTALLS_MIN} or more;"
            " add history"
        )
    times = np.array([one.install_time for one in installs])
    reports = _first_reports(found.booked, installs)
    if not len(reports.install):
        raise Stop("no payment of any of these installs is in these files; add purchases")
    return PayerHistory(
        make_payer_log(times, reports),
        RecordedFeatures(installs, found.features),
        int(times[0]),
        found.until,
        len(installs),
        len(np.unique(reports.install)),
    )


def _first_reports(
    booked: Sequence[tuple[_Booked, int]], installs: Sequence[_Install]
) -> PaymentReports:
    """Each purchase of an install when it was first known, but none that was taken back whole."""
    number = {one.install_id: index for index, one in enumerate(installs)}
    left: dict[tuple[str, str], int] = defaultdict(int)
    for one, _ in booked:
        left[one.install_id, one.transaction_id] += one.amount_micros
    first: dict[tuple[str, str], tuple[int, int]] = {}
    for one, logged_at in booked:
        key = one.install_id, one.transaction_id
        if one.kind != "refund" and one.install_id in number and left[key] > 0:
            known = max(logged_at, one.event_time), one.event_time
            first[key] = min(first.get(key, known), known)
    rows = []
    for payment, ((install_id, _), (known_at, paid_at)) in enumerate(first.items()):
        install = number[install_id]
        since = installs[install].install_time
        rows.append((install, max(paid_at - since, 0), max(known_at - since, 0), payment))
    rows.sort(key=lambda row: (row[2], row[0]))
    return PaymentReports(*np.array(rows, np.int64).reshape(-1, 4).T)
