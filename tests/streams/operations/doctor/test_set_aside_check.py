"""`headwater doctor` names floods that go on and quarantined records that wait."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("chdb", reason="the embedded store is not installed")

from streams.operations.dead_letters import Chosen, drop_letters
from streams.operations.doctor.check import Check
from streams.operations.doctor.set_aside import FLOOD_QUIET_SECONDS, examine_set_aside
from streams.settings import Settings, read_settings
from streams.store.embedded import EmbeddedStore
from tests.worlds.stores.migrated import migrated_store

TIME = 1_767_225_600_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"HEADWATER_DATA": str(tmp_path)})


@pytest.fixture
def store(settings: Settings) -> Iterator[EmbeddedStore]:
    found = migrated_store(settings.folders.store)
    yield found
    found.close()


def put(store: EmbeddedStore, table: str, at: int, **values: Any) -> None:
    row = {**values, "log_epoch": "epoch", "log_partition": 0, "log_offset": at}
    store.insert(table, {name: [value] for name, value in row.items()})


def count_flood(store: EmbeddedStore, at: int, app: str, offsets: list[int], **more: Any) -> None:
    put(store, "ledger", at, stage="intake", disposition="dead_lettered", move=0,
        source_topic="payments", source_partition=0, offsets=offsets, repeat_ids=[], repeats_of=[],
        repeat_offsets=[], flood_app=app, flood_reason="missing_id", **more)  # fmt: skip


def checks(store: EmbeddedStore, settings: Settings) -> dict[str, Check]:
    store.close()
    return {check.name: check for check in examine_set_aside(settings)}


def test_nothing_set_aside_is_well(store: EmbeddedStore, settings: Settings) -> None:
    found = checks(store, settings)
    assert list(found) == ["floods", "quarantine"]
    assert all(check.ok for check in found.values())


def test_a_flood_is_named_while_it_goes_on(store: EmbeddedStore, settings: Settings) -> None:
    count_flood(store, 1, "com.game", [1, 2, 3])
    count_flood(store, 1, "com.game", [1, 2, 3])  # the same row, stored twice
    count_flood(store, 2, "com.other", [4])
    flood = checks(store, settings)["floods"]
    assert not flood.ok
    assert "payments: 3 unreadable messages of app com.game since 20" in flood.advice
    assert "replay --topic payments --app com.game --dry-run" in flood.advice
    assert "and 1 more" in flood.advice


def test_a_flood_that_has_ended_is_only_told(store: EmbeddedStore, settings: Settings) -> None:
    count_flood(store, 1, "com.game", [1, 2, 3], inserted_at=TIME - FLOOD_QUIET_SECONDS * 1_000)
    flood = checks(store, settings)["floods"]
    assert flood.ok
    assert "3 messages of earlier ones" in flood.advice


def test_what_is_quarantined_waits_until_it_is_dropped(
    store: EmbeddedStore, settings: Settings
) -> None:
    put(store, "quarantined", 0, quarantine_id="installs:0:9", stage="intake", kind="event",
        error="ValueError", detail="intake:1 decode: not so", state_key="key", app_id="com.game",
        install_id="i1", log_topic="installs", log_topic_partition=0, log_topic_offset=9,
        payload=base64.b64encode(b"{}").decode(), message_key="", received_at=TIME,
        source_topic="installs", source_partition=0, source_offset=9)  # fmt: skip
    waiting = checks(store, settings)["quarantine"]
    assert not waiting.ok
    assert "intake: 1 records of 1 keys, since 2026-01-01 00:00:00.000 UTC" in waiting.advice
    drop_letters(settings, Chosen(reason="quarantined"))
    assert {check.name: check for check in examine_set_aside(settings)}["quarantine"].ok


def test_without_a_store_nothing_is_said_to_be_wrong(settings: Settings) -> None:
    assert all(check.ok for check in examine_set_aside(settings))
