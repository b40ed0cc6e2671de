"""Events that make a decision raise: the run goes on, and its accounting tells them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attribution.rules.rules import Rules
from schemas.time import EventMs
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.replay.run import RowSink
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from streams.stages.intake.intake import IntakeRules
from streams.store.embedded import EmbeddedStore
from streams.store.reconcile import Accounting, reconcile
from tests.worlds.clock import NOON
from tests.worlds.records import BAD_SOURCE, PoisonedRules
from tests.worlds.stage_world import event, source
from tests.worlds.stores.migrated import migrated_store

pytest.importorskip("chdb")

MINUTE = 60_000
Row = dict[str, Any]


class BadSecrets(dict[str, bytes]):
    """The secrets of the networks; asking for one of them raises."""

    def get(self, name: str, default: Any = None) -> Any:
        if name == BAD_SOURCE:
            raise RuntimeError("the vault is sealed")
        return super().get(name, default)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    opened = migrated_store(tmp_path / "store")
    yield opened
    opened.close()


def account(
    store: EmbeddedStore, records: list[MemoryRecord], rules: Rules, secrets: dict[str, bytes]
) -> Accounting:
    intake = IntakeRules(
        b"secret", EventMs(0), dead_letter_share_max=1.0, dead_letter_window=10**6,
        signature_secrets=secrets,
    )  # fmt: skip
    order = SourceOrder()
    for record in records:
        order.see(record)
    sink = RowSink(store, "epoch")
    Replay(StageRules(intake, rules), sink.take, StageObserver()).run(records, order)
    sink.flush()
    return reconcile(store, len(records))


def traffic() -> list[MemoryRecord]:
    """Two installs of a click each, money of both, and the second one's network is poison."""
    found = []
    for number, network in enumerate(("north", BAD_SOURCE)):
        click, install = f"click{number}", f"i{number}"
        found += [
            _event("touchpoints", number, "touchpoint", event_id=click, touch_type="click",
                   touch_id=click, media_source=network),
            _event("installs", number, "install", event_id=install, install_id=install,
                   click_id=click, minutes=1),
            _event("payments", number, "purchase", event_id=f"p{number}", install_id=install,
                   transaction_id=f"t{number}", amount_micros=990_000, currency="EUR", minutes=2),
        ]  # fmt: skip
    # Log time moves on until everything is decided.
    found.append(_event("activity", 0, "session", minutes=200, install_id="i0", session_id="s"))
    return sorted(found, key=lambda record: record.timestamp)


def _event(topic: str, number: int, kind: str, *, minutes: int = 0, **fields: Any) -> MemoryRecord:
    message = {"event_time": NOON + minutes * MINUTE, **fields}
    return source(topic, event(kind, **message), offset=number, ts=NOON + minutes * MINUTE)


def of(store: EmbeddedStore, sql: str) -> list[tuple[Any, ...]]:
    return store.query(sql).rows


def test_an_install_whose_decision_raises_is_quarantined_and_the_books_balance(
    store: EmbeddedStore,
) -> None:
    found = account(store, traffic(), PoisonedRules(), {})
    assert found.faults == []
    assert (found.received, found.decided, found.quarantined) == (7, 6, 1)
    assert of(store, "SELECT app_id, install_id, stage, error FROM v_quarantined LIMIT 1") == [
        ("app", "i1", "journeys", "ValueError")
    ]
    decided = "SELECT install_id, media_source, reason FROM v_attributions ORDER BY install_id"
    assert of(store, decided) == [
        ("i0", "north", "first_decision"),
        ("i1", "organic", "deadline"),
    ]
    fates = "SELECT source_topic, source_offset FROM v_accounting WHERE disposition = 'quarantined'"
    assert of(store, fates) == [("installs", 1)]


def test_an_event_that_makes_intake_raise_is_kept_byte_by_byte(store: EmbeddedStore) -> None:
    records = traffic()
    found = account(store, records, Rules(), BadSecrets(north=b"s"))
    assert found.faults == []
    assert found.quarantined == 1
    (row,) = of(
        store,
        "SELECT stage, kind, source_topic, source_offset, app_id, base64Decode(payload), detail"
        " FROM quarantined",
    )
    assert row[:5] == ("intake", "event", "touchpoints", 1, "app")
    assert row[5].encode() == next(one.value for one in records if b"click1" in (one.value or b""))
    assert row[6].endswith("get: the vault is sealed")
