"""What would have been told of drift in a history of one's own. Whether an alarm was right nobody
can say here; each is told with what changed, and when."""

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


class _Listening(StageMetrics):
    """Counts what is learned, by model."""

    def __init__(self) -> None:
        self.learned: Counter[str] = Counter()

    def on_learned(self, model: str, rows: int) -> None:
        super().on_learned(model, rows)
        self.learned[model] += rows


class _Heard:
    def __init__(self) -> None:
        self.alarms: list[DriftAlarm] = []

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        if topic == topics.DRIFT_ALARMS.name:
            self.alarms += [_alarms.decode(record.value or b"") for record in records]


def evaluate_drift_history(
    settings: Settings, files: Sequence[Path], advance: Progress
) -> dict[str, Any]:
    """Replays the files through all stages; learns as a live worker would."""
    heard, listening = _Heard(), _Listening()
    order = replay_history(settings, files, heard.take, (advance, "learn and watch"), listening)
    hazards = stage_rules(settings).scoring.targets.hazards
    labels = {one.name: listening.learned[one.name] for one in hazards}
    shown = {one.alarm_id: _shown(one) for one in heard.alarms[:ALARMS_SHOWN]}
    return {
        "by_target": {
            name: _figures([one for one in heard.alarms if one.target == name], count)
            for name, count in labels.items()
        },
        **({"alarms": shown} if shown else {}),
        "alarms_not_shown": max(len(heard.alarms) - ALARMS_SHOWN, 0),
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


def _shown(one: DriftAlarm) -> dict[str, Any]:
    raised = datetime.fromtimestamp(one.raised_at / 1000, UTC)
    return {
        "raised_at": raised.isoformat(timespec="seconds"),
        "app_id": one.app_id,
        "media_source": one.media_source or "(all)",
        "subject": one.subject or "residual",
        "mean_before": round(one.mean_before, 5),
        "mean_after": round(one.mean_after, 5),
    }
