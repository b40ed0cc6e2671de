"""Observers that turn the reports of lanes, stages and the sink into metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from schemas.outcomes import DriftAlarm, ModelQuality
from streams.runtime.reports import LaneObserver
from streams.stages.common.observer import StageObserver
from streams.stages.learning.quality_rows import known_figures
from streams.store.sink.storing_observer import StoringObserver
from streams.worker import metrics

_APPS_MAX = 200
"""Apps that have a label of their own: producers name apps, and labels are kept for ever."""
_OTHER_APPS = "(other)"
_FLOOD_SILENCE_SECONDS = 3600.0
_logger = logging.getLogger("headwater")


class LaneMetrics(LaneObserver):
    """Metrics of lanes."""

    def on_checkpoint(
        self, stage: str, p: int, records: int, seconds_decide: float, seconds_commit: float
    ) -> None:
        metrics.RECORDS_TOTAL.labels(stage).inc(records)
        metrics.BATCHES_TOTAL.labels(stage).inc()
        metrics.DECIDE_SECONDS.labels(stage).observe(seconds_decide)
        metrics.COMMIT_SECONDS.labels(stage).observe(seconds_commit)

    def on_transaction_full(self, log: str, waiting: int) -> None:
        metrics.FULL_TRANSACTIONS_TOTAL.labels(log).inc()

    def on_restore(self, stage: str, p: int, records: int, seconds: float) -> None:
        metrics.RESTORED_KEYS_TOTAL.labels(stage).inc(records)
        metrics.RESTORE_SECONDS.labels(stage).observe(seconds)

    def on_backpressure(self, stage: str, p: int, held: bool) -> None:
        metrics.HELD_LANES.labels(stage, str(p)).set(held)

    def on_standstill(self, seconds: float) -> None:
        metrics.STANDSTILL_SECONDS.set(seconds)

    def on_quarantined(self, stage: str, kind: str) -> None:
        metrics.QUARANTINED_TOTAL.labels(stage, kind).inc()

    def on_undelivered(self, stage: str, offsets: int) -> None:
        metrics.UNDELIVERED_RECORDS_TOTAL.labels(stage).inc(offsets)


class StageMetrics(StageObserver):
    """Metrics of what stages decide."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._apps: set[str] = set()
        self._clock = clock
        self._floods: dict[tuple[str, str], float] = {}

    def _label(self, app_id: str) -> str:
        if len(self._apps) < _APPS_MAX:
            self._apps.add(app_id)
        return app_id if app_id in self._apps else _OTHER_APPS

    def on_dead_letter(self, topic: str, reason: str) -> None:
        metrics.DEAD_LETTERS_TOTAL.labels(topic, reason).inc()

    def on_flood(self, topic: str, app_id: str, reason: str) -> None:
        """One line when a flood begins, and again after an hour of silence."""
        now = self._clock()
        logged = self._floods.get((topic, app_id), -_FLOOD_SILENCE_SECONDS)
        if now - logged >= _FLOOD_SILENCE_SECONDS and len(self._floods) < _APPS_MAX:
            _logger.warning(
                "%s: too many messages of app %r are unreadable (%s): further ones are counted and"
                " stay in the topic, all others go on; mend the producer (v_floods names the"
                " offsets)",
                topic, app_id, reason,
            )  # fmt: skip
            self._floods[topic, app_id] = now

    def on_not_copied(self, topic: str, app_id: str) -> None:
        metrics.FLOOD_MESSAGES_TOTAL.labels(topic, self._label(app_id)).inc()

    def on_quarantined(self, stage: str, kind: str) -> None:
        metrics.QUARANTINED_TOTAL.labels(stage, kind).inc()

    def on_dropped(self, app_id: str, field: str) -> None:
        metrics.DROPPED_FIELDS_TOTAL.labels(self._label(app_id), field).inc()

    def on_old_signature(self, media_source: str) -> None:
        metrics.OLD_SIGNATURES_TOTAL.labels(media_source).inc()

    def on_time_corrected(self, event_type: str, source: str, reason: str) -> None:
        metrics.CORRECTED_TIMES_TOTAL.labels(event_type, source, reason).inc()

    def on_postback(self, framework: str, state: str, reason: str) -> None:
        metrics.POSTBACKS_TOTAL.labels(framework, state, reason).inc()

    def on_settled(self, stage: str, disposition: str, count: int) -> None:
        metrics.EVENTS_TOTAL.labels(stage, disposition).inc(count)

    def on_evicted(self, bound: str, count: int) -> None:
        metrics.EVICTIONS_TOTAL.labels(bound).inc(count)

    def on_forgotten(self, stage: str, count: int) -> None:
        metrics.FORGOTTEN_KEYS_TOTAL.labels(stage).inc(count)

    def on_stage_time(self, stage: str, partition: int, stage_time: int) -> None:
        metrics.STAGE_TIME.labels(stage, str(partition)).set(stage_time / 1000)

    def on_rule_change(self, partition: int, pending: int) -> None:
        metrics.RULE_CHANGE_PENDING.labels(str(partition)).set(pending)

    def on_prediction(self, target: str, tier: str, count: int) -> None:
        metrics.PREDICTIONS_TOTAL.labels(target, tier).inc(count)

    def on_model(self, model: str, version: str) -> None:
        if version:
            metrics.MODEL_ACTIVE.labels(model).set(1)
            metrics.MODEL_ACTIVATIONS_TOTAL.labels(model).inc()
        else:
            metrics.MODEL_ACTIVE.labels(model).set(0)

    def on_learned(self, model: str, rows: int) -> None:
        metrics.EXAMPLES_TOTAL.labels(model).inc(rows)

    def on_skipped(self, model: str, rows: int) -> None:
        metrics.EXAMPLES_SKIPPED_TOTAL.labels(model).inc(rows)

    def on_gate(self, model: str, verdict: str) -> None:
        metrics.SNAPSHOTS_TOTAL.labels(model, verdict).inc()

    def on_quality(self, row: ModelQuality) -> None:
        """Only the figures per landmark; those per version and source are in the store."""
        if row.landmark:
            of = row.target, row.horizon, row.landmark, row.tier
            for name, value in known_figures(row).items():
                metrics.QUALITY_OF[name].labels(*of).set(value)

    def on_drift(self, row: DriftAlarm) -> None:
        metrics.DRIFT_ALARMS_TOTAL.labels(row.target, row.kind).inc()


class StoringMetrics(StoringObserver):
    """Metrics of the sink."""

    def on_stored(self, table: str, rows: int, seconds: float) -> None:
        metrics.STORE_ROWS_TOTAL.labels(table).inc(rows)
        metrics.STORE_INSERT_SECONDS.labels(table).observe(seconds)

    def on_skipped(self, table: str, rows: int) -> None:
        metrics.STORE_SKIPPED_ROWS_TOTAL.labels(table).inc(rows)

    def on_quarantined(self, stage: str, kind: str, count: int) -> None:
        metrics.QUARANTINED_TOTAL.labels(stage, kind).inc(count)

    def on_retry(self, table: str) -> None:
        metrics.STORE_RETRIES_TOTAL.labels(table).inc()

    def on_undelivered(self, offsets: int) -> None:
        metrics.UNDELIVERED_RECORDS_TOTAL.labels("storing").inc(offsets)

    def on_standstill(self, seconds: float) -> None:
        metrics.STANDSTILL_SECONDS.set(seconds)

    def on_waiting_requests(self, count: int, oldest_seconds: float) -> None:
        metrics.PRIVACY_WAITING_REQUESTS.set(count)
        metrics.PRIVACY_WAITING_SECONDS.set(oldest_seconds)

    def on_buffered(self, rows: int, oldest_seconds: float) -> None:
        metrics.STORE_BUFFERED_ROWS.set(rows)
        metrics.STORE_AGE_SECONDS.set(oldest_seconds)
