"""The log epoch of each table's rows, bound to the id of the topic that carries them.

The first log that storing meets gets the epoch that is configured, which rows of earlier versions
have. Every later one, of a topic created anew or of another cluster, gets an epoch of its own, so
that nothing of it is taken for stored. Workers that bind at the same time find the same answer.

An event may lead to rows in several logs of outcome topics: while it waited, they were created
anew. Epochs of one series name its place in the same way, see `SERIES`; another one begins once the
source topics are numbered anew (`streams.kafka.registers.source_logs`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from schemas.topics import LEDGER, SOURCE_LOGS
from streams.store.base import Store, quote
from streams.store.tables import TABLE_OF_TOPIC

_logger = logging.getLogger(__name__)

Known = Mapping[str, Mapping[tuple[str, str], str]]
"""By topic: epochs by log id and configured epoch, in the order of binding."""

LOG_EPOCHS = "log_epochs"

BOUND_TOPICS = (*TABLE_OF_TOPIC, SOURCE_LOGS.name)
"""Topics whose logs storing has to know."""

SERIES = "replaceRegexpOne(log_epoch, '~[A-Za-z0-9_-]+$', '')"
"""SQL: the series that the log epoch of a row is of. Source positions are told apart within one."""

_CREATION = f"""
CREATE TABLE IF NOT EXISTS {LOG_EPOCHS}
(
    topic String, number Int64, log String, configured String, epoch String,
    bound_at DateTime DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY tuple()
ORDER BY (topic, number)
"""
"""The journal of storing, as `schema_migrations` is that of `migrate`. `log`: cluster id and topic
id; `configured`: HEADWATER_LOG_EPOCH of that time; `number` counts the logs of a topic."""


def in_series(table: str) -> str:
    """The rows of a table with their series as `log_epoch`, as SQL to select from."""
    return f"(SELECT * REPLACE ({SERIES} AS log_epoch) FROM {table})"


def bind_epochs(store: Store, configured: str, logs: Mapping[str, str]) -> dict[str, str]:
    """The log epoch by topic, for the log ids of `logs`; an unknown id gets the configured epoch.

    Beside topics of outcomes, `logs` names the one that numbers the logs of source topics.

    UnavailableError and Refused as the store raises them.
    """
    if not _has_journal(store):
        store.execute(_CREATION)
    known = _bound(store)
    epochs: dict[str, str] = {}
    new: list[tuple[str, int, list[str]]] = []
    register = logs.get(SOURCE_LOGS.name, "")
    series = _series_of(known, configured, register)
    of_register = known.get(SOURCE_LOGS.name, {})
    if register and (register, configured) not in of_register:
        new.append((SOURCE_LOGS.name, len(of_register) + 1, [register, configured, series]))
    for topic, log in logs.items():
        if topic == SOURCE_LOGS.name:
            continue
        of_topic = known.get(topic, {})
        found = of_topic.get((log, configured))
        if found is None and log:
            is_first = not _under(of_topic, configured)
            found = series if is_first else f"{series}~{log.rpartition('/')[2]}"
            new.append((topic, len(of_topic) + 1, [log, configured, found]))
            if not is_first:
                _report(topic, log, found, before=_latest(of_topic))
        epochs[topic] = found or configured
    if new:
        # Over the native protocol, the rows of VALUES would have to follow the statement.
        rows = " UNION ALL ".join(
            f"SELECT {quote(topic)}, toInt64({number}), {', '.join(map(quote, texts))}"
            for topic, number, texts in new
        )
        store.execute(f"INSERT INTO {LOG_EPOCHS} (topic, number, log, configured, epoch) {rows}")
    return epochs


def _series_of(known: Known, configured: str, register: str) -> str:
    """The series of rows from now on, for this register of source logs."""
    of_register = known.get(SOURCE_LOGS.name, {})
    if not register:
        return configured
    if found := of_register.get((register, configured)):
        return found
    if _under(of_register, configured):
        return f"{configured}.{register.rpartition('/')[2]}"
    # Earlier builds had no register: it begins with the log that they stored last.
    return next(reversed(_under(known.get(LEDGER.name, {}), configured)), configured)


def _under(bound: Mapping[tuple[str, str], str], configured: str) -> list[str]:
    return [epoch for (_, under), epoch in bound.items() if under == configured]


def known_logs_of(store: Store) -> dict[str, str]:
    """The latest log id of each topic that storing has met."""
    if not _has_journal(store):
        return {}
    return {topic: _latest(bound) for topic, bound in _bound(store).items()}


def _has_journal(store: Store) -> bool:
    found = store.query(
        "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {name}",
        {"name": LOG_EPOCHS},
    )
    return bool(found.rows[0][0])


def _bound(store: Store) -> dict[str, dict[tuple[str, str], str]]:
    """Epochs by log id and configured epoch, in the order of binding, by topic."""
    rows = store.query(
        f"SELECT topic, log, configured, epoch FROM {LOG_EPOCHS} ORDER BY topic, number, log, epoch"
    ).rows
    found: dict[str, dict[tuple[str, str], str]] = {}
    for topic, log, configured, epoch in rows:
        found.setdefault(str(topic), {}).setdefault((str(log), str(configured)), str(epoch))
    return found


def _latest(bound: Mapping[tuple[str, str], str]) -> str:
    return list(bound)[-1][0]


def _report(topic: str, log: str, epoch: str, before: str) -> None:
    _logger.warning(
        "topic %s is another log than before (%s, before %s): it was deleted and created anew, or "
        "the cluster is another one; its rows are stored as log epoch %s, beside the old ones",
        topic, log, before, epoch,
    )  # fmt: skip
