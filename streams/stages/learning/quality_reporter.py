"""Reports the quality of models while they learn, and drift. No decision depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from online_models.drift.watch import Alarm
from online_models.learning.residual_watch import LearnedBlock
from online_models.learning.rules import LearnerRules
from online_models.persistence.envelope import Unusable
from online_models.quality.monitor import QualityWindow
from online_models.quality.monitors import STREAMS_BOUND, MonitorRules, Monitors
from online_models.targets.targets import VALUE
from schemas import outcomes, topics
from schemas.outcomes import Outcome
from schemas.records import Example
from schemas.topics import Topic
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects, Message, TopicPartition
from streams.stages.learning.quality_rows import drift_alarm_row, quality_row, reliability_rows
from streams.stages.learning.targets import AnyRules

MONITORS = "monitors"
"""Name of the stored part."""


class QualityReporter:
    """Collects messages until they are taken, together with the state that goes with them."""

    def __init__(self, targets: Mapping[str, AnyRules], observer: StageObserver) -> None:
        self._observer = observer
        self._effects = Effects()
        # Features are frozen once for all targets: watching those of one is enough.
        hazards = (
            (name, one.hazard) for name, one in targets.items() if isinstance(one, LearnerRules)
        )
        watched = next(hazards, None)
        self._monitors = Monitors(MonitorRules(), watched, {VALUE})

    def learned(self, example: Example, blocks: Iterable[LearnedBlock], at: int) -> None:
        """An example that was learned for the first time, and the blocks it completed; `at`: log
        time in ms. Examples come one by one, so that frames of the log change nothing."""
        monitors = self._monitors
        report = monitors.read([example], at)
        self._report_windows(report.windows)
        for alarm in report.alarms:
            self._report_alarm(alarm, is_answered=False)
        for block in blocks:
            self._report_windows(monitors.judge(block, at))
            if block.refused:
                self._observer.on_evicted(STREAMS_BOUND, block.refused)
            for alarm in block.alarms:
                self._report_alarm(alarm, is_answered=True)

    def bounds_hit(self) -> dict[str, int]:
        return self._monitors.bounds_hit()

    def taken(self) -> dict[TopicPartition, list[Message]]:
        """The messages collected since the last call."""
        messages, self._effects = self._effects.messages, Effects()
        return messages

    def dump(self) -> dict[str, bytes]:
        return {MONITORS: self._monitors.dump()}

    def restore(self, parts: Mapping[str, bytes]) -> Unusable | None:
        content = parts.get(MONITORS)
        return self._monitors.restore(content) if content else None

    def _report_windows(self, windows: Iterable[QualityWindow]) -> None:
        for window in windows:
            row = quality_row(window)
            self._send(topics.MODEL_QUALITY, row.target, row)
            self._observer.on_quality(row)
            for of_bin in reliability_rows(window):
                self._send(topics.RELIABILITY, row.target, of_bin)

    def _report_alarm(self, alarm: Alarm, *, is_answered: bool) -> None:
        row = drift_alarm_row(alarm, "loosened" if is_answered else "none")
        self._send(topics.DRIFT_ALARMS, row.target, row)
        self._observer.on_drift(row)

    def _send(self, topic: Topic, key: str, row: Outcome) -> None:
        self._effects.send(
            topic.name, 0, Message(key.encode(), outcomes.outcome_encoder.encode(row))
        )
