"""The catalogue of metrics: every name, unit, label and meaning.

Names end in their base unit; labels take values from short fixed lists (stages, tables,
reasons), never ids. Counters restart with the process; what must add up is counted from what
is stored, not from here.
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
READY = _gauge("ready", "1 while the worker decides or stores; 0 in recovery and rebalance.")

# --- deciding ------------------------------------------------------------------------------------

RECORDS = _counter("records_total", "Messages a stage has decided.", "stage")
BATCHES = _counter("batches_total", "Checkpoints a stage has committed.", "stage")
DECIDE_SECONDS = _histogram("decide_seconds", "CPU time to decide one batch.", "stage")
COMMIT_SECONDS = _histogram("commit_seconds", "Time to make one checkpoint durable.", "stage")
EVENTS = _counter("events_total", "Source events settled.", "stage", "disposition")
DEAD_LETTERS = _counter("dead_letters_total", "Messages set aside.", "topic", "reason")
POSTBACKS = _counter(
    "postbacks_total", "Apple's postbacks, copies included.", "framework", "state", "reason"
)
EVICTIONS = _counter("evictions_total", "Entries forgotten because a bound was hit.", "bound")
FORGOTTEN = _counter("forgotten_keys_total", "State of no further use, by retention.", "stage")
STAGE_TIME = _gauge(
    "stage_time_seconds",
    "Log time a stage partition has come to, since 1970; compare it with time().",
    "stage",
    "partition",
)
RULE_CHANGE_PENDING = _gauge(
    "rule_change_pending",
    "Installs still to be decided again under the rules that are in force now.",
    "partition",
)
HELD_LANES = _gauge(
    "held_lanes", "1 while a lane has enough waiting and reads no further.", "stage", "partition"
)
RESTORE_SECONDS = _histogram(
    "restore_seconds", "Time to bring state back after an assignment.", "stage", slow=True
)
RESTORED_KEYS = _counter("restored_keys_total", "State keys read back from changelogs.", "stage")

# --- models --------------------------------------------------------------------------------------

PREDICTIONS = _counter("predictions_total", "Predictions made, by tier.", "target", "tier")
EXAMPLES = _counter("examples_total", "Labelled examples learned from.", "model")
EXAMPLES_SKIPPED = _counter(
    "examples_skipped_total", "Examples, or rows of them, that nothing was learned from.", "model"
)
SNAPSHOTS = _counter("snapshots_total", "Model copies by verdict of the gate.", "model", "verdict")
MODEL_ACTIVE = _gauge("model_active", "1 while the model scores; 0 while suspended.", "model")
MODEL_ACTIVATIONS = _counter("model_activations_total", "Times a version took over.", "model")

_OF_PREDICTIONS = ("target", "horizon", "landmark", "tier")
QUALITY_OF = {
    name: _gauge(f"model_{name}", f"{text} Of the labels that matured last.", *_OF_PREDICTIONS)
    for name, text in {
        "log_loss": "Log loss in nats per prediction.",
        "normalised_entropy": "Log loss over that of the share that came true.",
        "calibration_ratio": "All that was expected over all that came.",
        "ece": "Mean distance between a chance and how often it came true.",
        "auc": "How often a positive was given more than a negative.",
        "normalised_gini": "Order of amounts; 1 is the order of what came.",
        "decile_mape": "Mean relative error over deciles of amounts.",
    }.items()
}
DRIFT_ALARMS = _counter("drift_alarms_total", "Changes noticed.", "target", "kind")

# --- storing -------------------------------------------------------------------------------------

STORE_ROWS = _counter("store_rows_total", "Rows acknowledged by ClickHouse.", "table")
STORE_INSERT_SECONDS = _histogram("store_insert_seconds", "Time of one insert.", "table")
STORE_RETRIES = _counter("store_retries_total", "Inserts that were tried again.", "table")
STORE_SKIPPED_ROWS = _counter(
    "store_skipped_rows_total", "Rows found stored already after a restart or a doubt.", "table"
)
STORE_BUFFERED_ROWS = _gauge("store_buffered_rows", "Rows in memory, not yet acknowledged.")
STORE_AGE_SECONDS = _gauge("store_age_seconds", "Age of the oldest row not yet acknowledged.")
