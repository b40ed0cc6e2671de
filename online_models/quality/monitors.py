"""What is monitored while labels mature: quality of what was served, and of all tiers on the same
rows; drift of features. No decision depends on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct, msgpack

from online_models.drift.feature_watch import FeatureWatch
from online_models.drift.watch import Alarm, DriftRules, DriftWatch, dump_drift, load_drift
from online_models.hazard.encoding import Encoder
from online_models.hazard.rules import HazardRules
from online_models.learning.evidence import EVIDENCE_TIERS
from online_models.learning.residual_watch import LearnedBlock
from online_models.persistence.envelope import Unusable
from online_models.quality.monitor import (
    QualityMonitor,
    QualityRules,
    QualitySlice,
    QualityWindow,
    dump_quality,
    load_quality,
)
from online_models.scoring.landmarks import LANDMARKS
from schemas.records import Example, Served

STREAMS_BOUND = "drift_streams_max"


class MonitorRules(Struct, frozen=True):
    """Bounds of both monitors."""

    quality: QualityRules = QualityRules()
    features: DriftRules = DriftRules()


class MonitorReport(NamedTuple):
    """Windows that closed, and alarms that were raised."""

    windows: list[QualityWindow]
    alarms: list[Alarm]


class Monitors:
    """The quality monitor and the feature watch, fed together.

    `watched`: the target whose snapshots are watched for drift, if any, and its rules. `amounts`:
    targets whose predictions are amounts instead of chances.
    """

    def __init__(
        self, rules: MonitorRules, watched: tuple[str, HazardRules] | None, amounts: Collection[str]
    ) -> None:
        self._rules = rules
        self._watched, self._hazard = watched or ("", HazardRules())
        self._amounts = amounts
        self.quality = QualityMonitor(rules.quality)
        self._put(DriftWatch(rules.features))

    def read(self, examples: Iterable[Example], at: int) -> MonitorReport:
        """Read examples in log order; `at`: log time in ms since 1970."""
        report = MonitorReport([], [])
        for example in examples:
            for served in example.served:
                report.windows.extend(self._served(example, served, at))
            if example.target == self._watched:
                report.alarms.extend(self.features.read(example))
        return report

    def judge(self, block: LearnedBlock, at: int) -> list[QualityWindow]:
        """Count the rows of a block, as every tier would have answered them."""
        windows: list[QualityWindow] = []
        rows = block.rows
        if rows is None:
            return windows
        labels = rows.labels.astype(np.float64)
        for mark in np.unique(rows.landmarks).tolist():
            of_mark = rows.landmarks == mark
            for tier, predicted in zip(EVIDENCE_TIERS, rows.tiers, strict=True):
                about = QualitySlice(block.target, "", _name_of(mark), tier=tier)
                windows += self.quality.rows(about, predicted[of_mark], labels[of_mark], at)
        return windows

    def bounds_hit(self) -> dict[str, int]:
        """How often each bound was hit since the beginning of the log."""
        counts, drift = self.quality.counts, self.features.watch.counts
        return {
            "quality_slices_max": counts.evicted,
            "quality_sources_max": counts.unnamed,
            STREAMS_BOUND: drift.refused,
        }

    def dump(self) -> bytes:
        """Everything that `restore` needs to go on bit for bit."""
        parts = (dump_quality(self.quality), dump_drift(self.features.watch))
        return msgpack.encode(parts)

    def restore(self, content: bytes) -> Unusable | None:
        """Go on from dumped content; why not, if it is unusable."""
        try:
            own, drift = msgpack.decode(content, type=tuple[bytes, bytes])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Unusable(f"monitors: {error}")
        quality = load_quality(own, self._rules.quality)
        if isinstance(quality, Unusable):
            return quality
        watch = load_drift(drift, self._rules.features)
        if isinstance(watch, Unusable):
            return watch
        self.quality = quality
        self._put(watch)
        return None

    def _put(self, watch: DriftWatch) -> None:
        hazard = self._hazard
        self.features = FeatureWatch(hazard.shape, Encoder(hazard.slots, hazard.seed), watch)

    def _served(self, example: Example, served: Served, at: int) -> list[QualityWindow]:
        about = QualitySlice(
            target=example.target,
            horizon=served.horizon,
            landmark=_name_of(served.landmark),
            platform=example.platform,
            tier=served.tier,
            model_version=served.model_version,
            media_source=example.media_source,
        )
        count = self.quality.amount if example.target in self._amounts else self.quality.served
        return count(about, served.predicted, served.outcome, at)


def _name_of(landmark: int) -> str:
    return LANDMARKS[landmark].name if 0 <= landmark < len(LANDMARKS) else "unknown"
