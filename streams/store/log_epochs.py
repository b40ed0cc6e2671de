"""The log epoch of each table's rows, bound to the id of the topic that carries them.

The first log that storing meets gets the epoch that is configured, which rows of earlier versions
have. Every later one, of a topic created anew or of another cluster, gets an epoch of its own, so
that nothing of it is taken for stored. Workers that bind at the same time find the same answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from streams.store.base import Store, quote

_logger = logging.getLogger(__name__)

LOG_EPOCHS = "log_epochs"

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


def bind_epochs(store: Store, configured: str, logs: Mapping[str, str]) -> dict[str, str]:
    """The log epoch by topic, for the log ids of `logs`; an unknown id gets the configured epoch.

    UnavailableError and Refused as the store raises them.
    """
    if not _has_journal(store):
        store.execute(_CREATION)
    known = _bound(store)
    epochs: dict[str, str] = {}
    new: list[tuple[str, int, list[str]]] = []
    for topic, log in logs.items():
        of_topic = known.get(topic, {})
        found = of_topic.get((log, configured))
        if found is None and log:
            is_first = configured not in of_topic.values()
            found = configured if is_first else f"{configured}.{log.rpartition('/')[2]}"
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
