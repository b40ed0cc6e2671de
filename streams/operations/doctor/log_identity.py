"""Whether positions, state and stored rows belong to the logs that the broker has now."""

from __future__ import annotations

import asyncio

from aiokafka.errors import KafkaError

from schemas import topics
from streams.errors import Stop
from streams.kafka.registers.source_logs import lost_unread, recorded_logs, renewed_sources
from streams.operations.doctor.check import Check, verdict
from streams.runtime.clients import denied_right
from streams.runtime.identity import KnownLogs
from streams.runtime.offsets import Offsets
from streams.settings import Settings
from streams.settings.core import CoreSettings
from streams.store.base import Store, UnavailableError
from streams.store.log_epochs import known_logs_of
from streams.store.tables import TABLE_OF_TOPIC
from streams.wiring.parts import core_settings, storing_settings
from streams.wiring.store import open_store

_NAME = "log_identity"


def examine_log_identity(settings: Settings) -> Check:
    """The check `log_identity`; unknown where the broker or its topics do not answer."""
    if settings.kafka.brokers is None:
        return Check(_NAME, True, "HEADWATER_KAFKA is not set: an in-process broker in memory")
    try:
        logs, wrong, lost = asyncio.run(_compare(settings))
    except (KafkaError, OSError, TimeoutError, Stop) as error:
        return Check(_NAME, False, denied_right(error) or f"unknown without a broker: {error}")
    if not logs.topic_ids:
        return Check(_NAME, True, "the broker has no topic ids: offsets and rows are compared")
    wrong += _stored(settings, logs)
    deleted = "".join(
        f"; {topic}: at most {count} records were deleted with it before they were decided "
        "(lost_unread)"
        for topic, count in sorted(lost.items())
        if count
    )
    right = f"cluster {logs.cluster}, {len(logs.topic_ids)} topic ids{deleted}"
    return verdict(_NAME, wrong, right)


async def _compare(settings: Settings) -> tuple[KnownLogs, list[str], dict[str, int]]:
    """The logs, what does not fit, and what was lost unread."""
    core = core_settings(settings)
    storing = storing_settings(settings).kafka()
    internal = [topic for topic in topics.ALL if core.consumer_group(topic.name) == core.group_id]
    offsets = Offsets(core)
    wrong: list[str] = []
    lost: dict[str, int] = {}
    try:
        await offsets.start()
        logs = await offsets.known_logs(topic.name for topic in topics.ALL)
        wrong += await _positions(offsets, logs, [topic.name for topic in internal])
        if logs.log_id(topics.SOURCE_LOGS.name):
            known = await recorded_logs(core)
            wrong, lost = wrong + renewed_sources(known, logs), lost_unread(known, logs)
    finally:
        await offsets.stop()
    return logs, wrong + await _of_storing(storing, logs), lost


async def _of_storing(storing: CoreSettings, logs: KnownLogs) -> list[str]:
    offsets = Offsets(storing)
    try:
        await offsets.start()
        return await _positions(offsets, logs, list(TABLE_OF_TOPIC))
    finally:
        await offsets.stop()


async def _positions(offsets: Offsets, logs: KnownLogs, names: list[str]) -> list[str]:
    """What the group of these offsets would miss, or read from another log."""
    tps = [(name, p) for name in names for p in range(logs.partitions.get(name, 0))]
    if not tps:
        return []
    offsets.logs = logs
    return await offsets.misfits(tps)


def _stored(settings: Settings, logs: KnownLogs) -> list[str]:
    """Topics that are other logs than those whose rows the store has."""
    if settings.store.url is None and not settings.folders.store.exists():
        return []
    try:
        store: Store = open_store(settings)
    except (Stop, UnavailableError):
        return []  # The check `store` says so.
    try:
        known = known_logs_of(store)
    except (Stop, UnavailableError):
        return []
    finally:
        store.close()
    return [
        f"topic {topic} is another log ({logs.log_id(topic)}) than the one whose rows are stored "
        f"({log}): start the storing worker, which gives its rows a log epoch of their own"
        for topic, log in known.items()
        if logs.log_id(topic) and logs.log_id(topic) != log
    ]
