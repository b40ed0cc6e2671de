"""A look at a running experiment: its units in the store, what they say, and what rules advise."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from online_models.experiments.running import (
    RuleDecision,
    RunningReport,
    decision_of,
    report_sums,
)
from schemas.time import DAY_MS
from streams.store.base import Store
from streams.store.experiments.stored_experiment import Reached, StoredExperiment, reached
from streams.store.experiments.stored_units import sums_of_store

_EPOCH = datetime.date(1970, 1, 1)


class ExperimentLook(NamedTuple):
    """A version of an experiment as of a log time. `advice`: what the rules say; `without_rate`:
    bookings of mature units that have no exchange rate and are missing in amounts."""

    experiment: StoredExperiment
    reached: Reached
    report: RunningReport
    advice: RuleDecision
    without_rate: int


def look_at(
    store: Store, experiment: StoredExperiment, now_ms: int | None = None
) -> ExperimentLook:
    """Look now. `now_ms` as for `reached`."""
    definition = experiment.definition
    at = reached(store, now_ms)
    found, without_rate = sums_of_store(store, definition, at.log_time_ms)
    report = report_sums(found, definition)
    last = datetime.date.fromisoformat(definition.ends) if definition.ends else datetime.date.max
    is_past_end = _EPOCH + datetime.timedelta(at.log_time_ms // DAY_MS) > last
    advice = decision_of(report, definition, at.incomplete, is_past_end)
    if experiment.state != "running":
        advice = RuleDecision("wait", "ended", f"it has ended by the order {experiment.state}")
    return ExperimentLook(experiment, at, report, advice, without_rate)
