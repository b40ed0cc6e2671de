"""Which experiments the store knows, by their orders, and how far what it knows of them goes."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from online_models.experiments.design import ExperimentDefinition, read_definition
from schemas.file_error import FileError
from schemas.time import HOUR_MS, format_duration
from streams.errors import Stop
from streams.store.base import Store

PARTITION_LATE_MS = 6 * HOUR_MS
"""A partition of journeys that is this far behind the furthest one is late: units of it that have
done something are not known yet."""

_STARTED = """
SELECT app_id, experiment_id, experiment_version, fingerprint, definition,
    toUnixTimestamp64Milli(ordered_at)
FROM experiment_orders
WHERE kind = 'start' AND verdict = 'obeyed'
ORDER BY ordered_at, order_id
LIMIT 1 BY app_id, experiment_id, experiment_version
"""
_ENDED = """
SELECT app_id, experiment_id, experiment_version, argMax(kind, ordered_at)
FROM experiment_orders
WHERE kind IN ('stop', 'ship') AND verdict = 'obeyed'
GROUP BY app_id, experiment_id, experiment_version
"""
_REACHED = """
SELECT partition, toUnixTimestamp64Milli(assumeNotNull(at))
FROM v_freshness
WHERE kind = 'stage' AND name = 'journeys' AND at IS NOT NULL
ORDER BY partition
"""


class StoredExperiment(NamedTuple):
    """A version of an experiment. `state`: running, stop or ship."""

    definition: ExperimentDefinition
    fingerprint: str
    started_ms: int
    state: str


class Reached(NamedTuple):
    """The log time up to which all partitions of journeys are stored (0: nothing is), and what of
    that is in the way of a decision; empty: nothing."""

    log_time_ms: int
    incomplete: str


def stored_experiments(store: Store) -> list[StoredExperiment]:
    """All versions that were ever started, by the time of their start. Stop: a definition that this
    version cannot read."""
    ended = {tuple(row[:3]): str(row[3]) for row in store.query(_ENDED).rows}
    found = []
    for app_id, id_, version, fingerprint, text, started in store.query(_STARTED).rows:
        try:
            definition = read_definition(text)
        except FileError as error:
            raise Stop(f"the definition of {id_}, version {version}, in the log: {error}") from None
        state = ended.get((app_id, id_, version), "running")
        found.append(StoredExperiment(definition, fingerprint, int(started), state))
    return found


def stored_experiment(store: Store, id_: str, version: int | None = None) -> StoredExperiment:
    """The latest version of an experiment, or a named one. Stop: it was never started."""
    all_ = stored_experiments(store)
    found = [
        one
        for one in all_
        if one.definition.id == id_ and version in (None, one.definition.version)
    ]
    if found:
        return found[-1]
    names = sorted({one.definition.id for one in all_})
    if id_ in names:
        raise Stop(f"experiment {id_!r} has no version {version} in the store")
    near = difflib.get_close_matches(id_, names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names) or 'none'}"
    raise Stop(f"no experiment {id_!r} was started{hint}")


def reached(store: Store, now_ms: int | None = None) -> Reached:
    """How far the store knows. `now_ms`: of a store that is filled while time goes on; one that is
    behind it, or ahead, is not to be decided on."""
    partitions = {int(row[0]): int(row[1]) for row in store.query(_REACHED).rows}
    if not partitions:
        return Reached(0, "nothing of journeys is stored yet")
    last = max(partitions.values())
    late = min(partitions, key=lambda partition: partitions[partition])
    log_time = partitions[late]
    if last - log_time > PARTITION_LATE_MS:
        behind = format_duration((last - log_time) // HOUR_MS * HOUR_MS)
        return Reached(log_time, f"partition {late} of journeys is {behind} behind the others")
    if now_ms is not None and now_ms - log_time > PARTITION_LATE_MS:
        behind = format_duration((now_ms - log_time) // HOUR_MS * HOUR_MS)
        return Reached(log_time, f"the store is {behind} behind the clock")
    if now_ms is not None and log_time - now_ms > HOUR_MS:
        return Reached(log_time, "log time is ahead of the clock: one of the two has jumped")
    return Reached(log_time, "")
