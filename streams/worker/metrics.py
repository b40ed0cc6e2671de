"""The catalogue of metrics: every name, unit, label and meaning.

Names end in their base unit. Labels take their values from short, fixed lists (stages, tables,
reasons), never from ids. Counters start at 0 with the process: take exact totals from the stored
tables, not from here.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # They would double the series.
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_PREFIX = "headwater"
_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SLOW_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"{_PREFIX}_{name}", text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"{_PREFIX}_{name}", text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, *labels: str, slow: bool = False) -> Histogram:
    buckets = _SLOW_S if slow else _FAST_S
    return Histogram(f"{_PREFIX}_{name}", text, labels, buckets=buckets, registry=REGISTRY)


# --- the worker ----------------------------------------------------------------------------------

WORKER = Info(f"{_PREFIX}_worker", "Version and role of this process.", registry=REGISTRY)
RULE_SET = Info(
    f"{_PREFIX}_rule_set",
    "Attribution rules that this worker decides under, and those before them.",
    registry=REGISTRY,
)
READY = _gauge("ready", "1 while the worker decides or stores; 0 during recovery and rebalances.")

STANDSTILL_SECONDS = _gauge(
    "standstill_seconds",
    "For how long work has waited without any being done; 0 while it goes on, or there is none.",
)

# --- deciding ------------------------------------------------------------------------------------

RECORDS_TOTAL = _counter("records_total", "Messages that a stage has decided.", "stage")
BATCHES_TOTAL = _counter("batches_total", "Checkpoints that a stage has committed.", "stage")
DECIDE_SECONDS = _histogram("decide_seconds", "CPU time of deciding one batch.", "stage")
COMMIT_SECONDS = _histogram(
    "commit_seconds", "Time from a decision until its checkpoint is committed.", "stage"
)
FULL_TRANSACTIONS_TOTAL = _counter(
    "full_transactions_total",
    "Transactions that left checkpoints to the next one, being as large as a transaction may be.",
    "log",
)
EVENTS_TOTAL = _counter(
    "events_total",
    "Source events that reached their final disposition, by stage and disposition.",
    "stage",
    "disposition",
)
LOST_UNREAD_RECORDS = _gauge(
    "lost_unread_records",
    "At most so many records of a source topic were deleted with it before a worker decided them.",
    "topic",
)
UNDELIVERED_RECORDS_TOTAL = _counter(
    "undelivered_records_total",
    "At most so many records were read and did not reach the stage, which read them again: a fault"
    " of this program or its libraries, to be reported.",
    "stage",
)
DEAD_LETTERS_TOTAL = _counter(
    "dead_letters_total", "Rejected messages, by source topic and reason.", "topic", "reason"
)
FLOOD_MESSAGES_TOTAL = _counter(
    "flood_messages_total",
    "Unreadable messages beyond HEADWATER_DEAD_LETTER_SHARE, by topic and app: counted, and kept in"
    " their topic only.",
    "topic",
    "app_id",
)
QUARANTINED_TOTAL = _counter(
    "quarantined_total",
    "What made a stage raise, or what ClickHouse refused, and was set aside, by stage and kind.",
    "stage",
    "kind",
)
DROPPED_FIELDS_TOTAL = _counter(
    "dropped_fields_total",
    "Optional fields left out of events that were read: placeholder ids and unreadable attributes,"
    " by app and field.",
    "app_id",
    "field",
)
OLD_SIGNATURES_TOTAL = _counter(
    "old_signatures_total",
    "Touchpoints signed in the old form, which HEADWATER_OLD_SIGNATURES_UNTIL ends, by media"
    " source.",
    "media_source",
)
CORRECTED_TIMES_TOTAL = _counter(
    "corrected_times_total",
    "Events whose time cannot be right and was corrected, by type, source and reason.",
    "type",
    "source",
    "reason",
)
POSTBACKS_TOTAL = _counter(
    "postbacks_total",
    "Apple's postbacks, copies included, by framework, check result and reason.",
    "framework",
    "state",
    "reason",
)
EVICTIONS_TOTAL = _counter(
    "evictions_total", "State entries dropped because a bound was reached, by bound.", "bound"
)
FORGOTTEN_KEYS_TOTAL = _counter(
    "forgotten_keys_total", "State keys deleted at the end of their retention.", "stage"
)
STAGE_TIME = _gauge(
    "stage_time_seconds",
    "Log time up to which a stage partition is decided, as Unix time; time() minus it is the lag.",
    "stage",
    "partition",
)
RULE_CHANGE_PENDING = _gauge(
    "rule_change_pending",
    "Installs that are still to be decided again under the rules now in force.",
    "partition",
)
HELD_LANES = _gauge(
    "held_lanes",
    "1 while a stage partition reads no further because enough is queued.",
    "stage",
    "partition",
)
RESTORE_SECONDS = _histogram(
    "restore_seconds", "Time of restoring state after an assignment.", "stage", slow=True
)
RESTORED_KEYS_TOTAL = _counter(
    "restored_keys_total", "Changelog records read while restoring state.", "stage"
)

# --- models --------------------------------------------------------------------------------------

PREDICTIONS_TOTAL = _counter(
    "predictions_total", "Predictions made, by target and tier.", "target", "tier"
)
EXAMPLES_TOTAL = _counter("examples_total", "Labelled examples that a model learned from.", "model")
EXAMPLES_SKIPPED_TOTAL = _counter(
    "examples_skipped_total",
    "Labelled examples, or rows of them, that a model could not learn from.",
    "model",
)
SNAPSHOTS_TOTAL = _counter(
    "snapshots_total", "Candidate versions of a model, by verdict of the gate.", "model", "verdict"
)
MODEL_ACTIVE = _gauge("model_active", "1 while a version scores; 0 while suspended.", "model")
MODEL_ACTIVATIONS_TOTAL = _counter(
    "model_activations_total", "Activations of a version of the model.", "model"
)

_OF_PREDICTIONS = ("target", "horizon", "landmark", "tier")
QUALITY_OF = {
    name: _gauge(f"model_{name}", f"{text} Over the labels that matured last.", *_OF_PREDICTIONS)
    for name, text in {
        "log_loss": "Log loss, in nats per prediction.",
        "normalised_entropy": "Log loss divided by that of always predicting the base rate.",
        "calibration_ratio": "Sum of predicted values divided by sum of actual values.",
        "ece": "Expected calibration error: mean gap between predicted and actual frequency.",
        "auc": "Chance that a positive is scored above a negative.",
        "normalised_gini": "Ranking of amounts; 1 is the ranking of the actual amounts.",
        "decile_mape": "Mean absolute percentage error over deciles of predicted amounts.",
    }.items()
}
DRIFT_ALARMS_TOTAL = _counter(
    "drift_alarms_total", "Alarms of the drift detectors, by target and kind.", "target", "kind"
)

# --- storing -------------------------------------------------------------------------------------

STORE_ROWS_TOTAL = _counter("store_rows_total", "Rows acknowledged by ClickHouse.", "table")
STORE_INSERT_SECONDS = _histogram("store_insert_seconds", "Time of one insert.", "table")
STORE_RETRIES_TOTAL = _counter("store_retries_total", "Inserts that were tried again.", "table")
STORE_SKIPPED_ROWS_TOTAL = _counter(
    "store_skipped_rows_total",
    "Rows found stored already, after a restart or an insert of unknown outcome.",
    "table",
)
STORE_BUFFERED_ROWS = _gauge("store_buffered_rows", "Rows in memory, not yet acknowledged.")
PRIVACY_WAITING_REQUESTS = _gauge(
    "privacy_waiting_requests", "Requests to be forgotten that `privacy run` has not taken up."
)
PRIVACY_WAITING_SECONDS = _gauge(
    "privacy_waiting_seconds", "Time since the oldest of these requests was submitted; 0: none."
)
STORE_AGE_SECONDS = _gauge("store_age_seconds", "Age of the oldest row not yet acknowledged.")
