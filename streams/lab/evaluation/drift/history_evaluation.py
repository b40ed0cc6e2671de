"""The drift alarms that a recorded history would have raised, each with what changed and when.

Whether an alarm is right cannot be judged here: nobody knows the true chances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from schemas import topics
from schemas.outcomes import DriftAlarm
from streams.lab.evaluation.replay.history_replay import replay_history
from streams.progress import Progress
from streams.replay.memory_log import MemoryRecord
from streams.settings import Settings
from streams.wiring.parts import stage_rules
from streams.worker.observers import StageMetrics

ALARMS_SHOWN = 20

_alarms = msgspec.json.Decoder(DriftAlarm)


class _LearnedRows(StageMetrics):
    """Counts what is learned, by model."""

    def __init__(self) -> None:
        super().__init__()
        self.learned: Counter[str] = Counter()

    def on_learned(self, model: str, rows: int) -> None:
        super().on_learned(model, rows)
        self.learned[model] += rows


class _Alarms:
    def __init__(self) -> None:
        self.alarms: list[DriftAlarm] = []

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        if topic == topics.DRIFT_ALARMS.name:
            self.alarms += [_alarms.decode(record.value or b"") for record in records]


def evaluate_drift_history(
    settings: Settings, files: Sequence[Path], advance: Progress
) -> dict[str, Any]:
    """Replay the files through all stages and learn as a live worker would; figures by target."""
    raised, learned_rows = _Alarms(), _LearnedRows()
    order = replay_history(settings, files, raised.take, (advance, "learn and watch"), learned_rows)
    hazards = stage_rules(settings).scoring.targets.hazards
    labels = {one.name: learned_rows.learned[one.name] for one in hazards}
    shown = {one.alarm_id: _shown(one) for one in raised.alarms[:ALARMS_SHOWN]}
    return {
        "by_target": {
            name: _figures([one for one in raised.alarms if one.target == name], count)
            for name, count in labels.items()
        },
        **({"alarms": shown} if shown else {}),
        "alarms_not_shown": max(len(raised.alarms) - ALARMS_SHOWN, 0),
        "records": order.records,
    }


def _figures(alarms: Sequence[DriftAlarm], labels: int) -> dict[str, Any]:
    of_residuals = sum(one.kind == "residual" for one in alarms)
    return {
        "labels": labels,
        "residual_alarms": of_residuals,
        "feature_alarms": len(alarms) - of_residuals,
        "residual_alarms_per_20k": round(20_000 * of_residuals / labels, 4) if labels else 0.0,
    }


def _shown(alarm: DriftAlarm) -> dict[str, Any]:
    at = datetime.fromtimestamp(alarm.raised_at / 1000, UTC)
    return {
        "raised_at": at.isoformat(timespec="seconds"),
        "app_id": alarm.app_id,
        "media_source": alarm.media_source or "(all)",
        "subject": alarm.subject or "residual",
        "mean_before": round(alarm.mean_before, 5),
        "mean_after": round(alarm.mean_after, 5),
    }
