"""Creates and checks topics on the broker and tables in the store."""

from __future__ import annotations

import asyncio
from typing import Any

from schemas.time import DAY_MS
from streams.kafka.topics import create_topics
from streams.settings import Settings
from streams.store.base import UnavailableError
from streams.store.migrations import apply_migrations
from streams.store.retention import apply_retention, require_consistent
from streams.wiring.store import open_store, stop_without_store


def migrate_all(settings: Settings) -> dict[str, Any]:
    """Create what is missing and check the rest; the names of what was created.

    The embedded broker creates its topics by itself. Stop: a topic is not as it has to be, or the
    broker or the store does not answer.
    """
    created: list[str] = []
    if settings.kafka.brokers is not None and not settings.kafka.is_in_process:
        created = asyncio.run(create_topics(settings.kafka))
    applied, changed = _migrate_store(settings)
    return {
        "topics_created": created,
        "migrations_applied": applied,
        "retention_changed": changed,
    }


def _migrate_store(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Names of the migrations, and what each table with a new retention keeps."""
    lookback_days = -(-settings.rules.journey_retention_ms // DAY_MS)
    if settings.store.retention is not None:
        require_consistent(settings.store.retention, lookback_days)
    try:
        store = open_store(settings)
        try:
            return apply_migrations(store), apply_retention(store, settings.store.retention)
        finally:
            store.close()
    except UnavailableError as error:
        raise stop_without_store(error) from error
