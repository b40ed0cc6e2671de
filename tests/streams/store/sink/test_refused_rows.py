"""What ClickHouse refuses is set aside, and one table's trouble stops no other."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from schemas import outcomes
from streams.errors import Stop
from streams.store.base import (
    Refused,
)
from streams.store.sink.sealed_batch import Polled, SealedBatch
from streams.store.sink.writer import TableWriter
from streams.store.tables import TABLES
from tests.streams.store.sink.sink_world import (
    FRESHNESS,
    Bench,
    MemoryStore,
    Record,
    message,
    records,
    sealed,
    until,
)
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.traffic_outcomes import touch


def test_a_row_that_the_table_does_not_take_is_set_aside_once_and_all_others_are_stored() -> None:
    store = MemoryStore(bad={13, 21})
    writer = TableWriter(store, TABLES["freshness"], "test")

    report = writer.write(sealed(0, 32))
    assert (report.rows, report.skipped, report.refused) == (30, 0, 2)
    assert sorted(o for _, o in store.places) == [n for n in range(32) if n not in store.bad]
    first, second = store.aside
    assert (first["quarantine_id"], second["quarantine_id"]) == ("freshness:0:13", "freshness:0:21")
    assert base64.b64decode(first["payload"]) == message(13)

    writer.forget()
    assert writer.write(sealed(0, 32)).skipped == 30
    assert len(store.aside) == 2


def test_a_message_that_cannot_be_read_is_set_aside_and_its_batch_is_stored() -> None:
    bench = Bench(MemoryStore())
    broken = Record(3, b'{"stage":1}')

    async def story(bench: Bench) -> None:
        bench.offer([*records(0, 3), broken, *records(4, 2)])
        await until(lambda: bench.committed == {0: 6})

    bench.run(story)
    assert [offset for _, offset in bench.store.places] == [0, 1, 2, 4, 5]
    (row,) = bench.store.aside
    assert base64.b64decode(row["payload"]) == broken.value
    assert bench.quarantined == 1


def test_a_table_that_takes_no_row_for_a_reason_of_its_own_keeps_all_of_them() -> None:
    """Nothing says that the rows are at fault: they wait for the table."""
    store = MemoryStore(bad=set(range(8)), is_certain=False)
    writer = TableWriter(store, TABLES["freshness"], "test")
    with pytest.raises(Refused, match="table freshness takes no row"):
        writer.write(sealed(0, 8))
    assert store.aside == []
    store.bad = {5}
    assert writer.write(sealed(0, 8)).refused == 1


def test_trouble_of_one_table_pauses_its_topic_alone_and_ends_by_itself() -> None:
    troubled = MemoryStore(bad=set(range(100)), is_certain=False)
    bench = Bench(troubled)
    well = MemoryStore()
    held: list[tuple[str, bool]] = []
    other = bench.another_table(well, held)

    async def story(bench: Bench) -> None:
        bench.offer(records(0, 4))
        await until(lambda: bench.table.is_refused)
        bench.sink.balance()
        assert held == [(FRESHNESS, True)]
        other(records(0, 30))
        await until(lambda: len(well.places) == 30)
        assert "takes no row" in bench.sink.outage
        troubled.bad = set()
        await until(lambda: bench.committed.get(0) == 4)
        bench.sink.balance()
        assert held[-1] == (FRESHNESS, False)
        assert bench.holds == []

    bench.run(story)


def test_a_row_set_aside_can_be_queried_and_its_event_is_settled(tmp_path: Path) -> None:
    pytest.importorskip("chdb")
    store = migrated_store(tmp_path / "store")
    table = TABLES["touches"]
    good = outcomes.outcome_encoder.encode(touch())
    enormous = re.sub(rb'"cost_micros":\d+', b'"cost_micros":%d' % 2**70, good)
    values = [good, enormous, b"\xff"]
    batch = SealedBatch((Polled(2, [4, 5, 6], [*values], 0),), 3)
    for _ in range(2):
        writer = TableWriter(store, table, "epoch")
        assert writer.write(batch).refused == 2
    assert store.query("SELECT count() FROM touches").rows == [(1,)]
    aside = store.query(
        "SELECT log_topic_offset, kind, stage, base64Decode(payload) = {bad} FROM quarantined"
        " ORDER BY log_topic_offset",
        {"bad": values[1].decode()},
    )
    assert [tuple(map(str, row)) for row in aside.rows] == [
        ("5", "row", "storing", "1"),
        ("6", "row", "storing", "0"),
    ]
    fates = store.query("SELECT source_topic, source_offset, disposition FROM v_accounting")
    assert fates.rows == [("touchpoints", 0, "quarantined")]
    store.close()


def test_what_cannot_be_read_is_found_among_polls_of_several_partitions() -> None:
    store = MemoryStore()
    polls = (Polled(0, [1, 2], [message(1), message(2)], 0), Polled(3, [1], [b"{"], 0))
    more = Polled(3, [2, 3], [message(2), message(3)], 0)

    report = TableWriter(store, TABLES["freshness"], "test").write(SealedBatch((*polls, more), 5))
    assert (report.rows, report.refused) == (4, 1)
    assert sorted(store.places) == [(0, 1), (0, 2), (3, 2), (3, 3)]
    assert [row["quarantine_id"] for row in store.aside] == ["freshness:3:1"]


def test_a_message_of_a_newer_build_is_named_with_its_own_partition() -> None:
    newer = b'{"stage":"a","partition":0,"stage_time":1,"schema_version":2}'
    batch = SealedBatch((Polled(0, [1], [message(1)], 0), Polled(3, [7], [newer], 0)), 2)
    with pytest.raises(Stop, match="partition 3 offset 7 cannot be stored: schema_version"):
        TableWriter(MemoryStore(), TABLES["freshness"], "test").write(batch)
