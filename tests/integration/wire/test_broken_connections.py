"""Whatever breaks while rows are on their way, each is stored once."""

from __future__ import annotations

import random
import time

import pytest

from schemas import outcomes
from streams.store.base import BadRowsError, Refused, UnavailableError
from streams.store.server import ServerStore
from streams.store.sink.sealed_batch import Polled, SealedBatch
from streams.store.sink.writer import TableWriter
from streams.store.tables import TABLES
from tests.integration.wire.conftest import target_of
from tests.native_server import Fault, NativeServer, Trouble
from tests.worlds.stores.traffic_outcomes import touch

CUTS = (
    Fault.CUT_BEFORE_DATA,
    Fault.CUT_IN_BLOCK,
    Fault.CUT_BEFORE_STORING,
    Fault.CUT_HALF_STORED,
    Fault.CUT_AFTER_STORING,
)


def batch(first: int, count: int) -> SealedBatch:
    offsets = list(range(first, first + count))
    values: list[bytes | None] = [outcomes.outcome_encoder.encode(touch(f"e{n}")) for n in offsets]
    return SealedBatch((Polled(0, offsets, values, 0),), count)


def writer(store: ServerStore) -> TableWriter:
    return TableWriter(store, TABLES["touches"], "test")


def stored(store: ServerStore) -> tuple[int, ...]:
    return store.query("SELECT count(), uniqExact(log_offset) FROM touches").rows[0]


def write_until_stored(writing: TableWriter, sealed: SealedBatch) -> int:
    """How many attempts it took."""
    deadline, attempt = time.monotonic() + 20, 1
    while not is_stored(writing, sealed):
        assert time.monotonic() < deadline, "it never gets stored"
        attempt += 1
    return attempt


def is_stored(writing: TableWriter, sealed: SealedBatch) -> bool:
    try:
        writing.write(sealed)
    except UnavailableError:
        return False
    return True


@pytest.mark.parametrize("fault", CUTS, ids=lambda fault: fault.name)
def test_a_connection_cut_in_an_insert_stores_every_row_once(
    store: ServerStore, server: NativeServer, fault: Fault
) -> None:
    writing = writer(store)
    writing.write(batch(0, 10))
    server.order(Trouble(fault))

    assert write_until_stored(writing, batch(10, 11)) == 2
    assert stored(store) == (21, 21)
    assert server.faults_met[-1] is fault


def test_an_insert_that_goes_on_without_its_client_is_ended_before_rows_are_read_back(
    store: ServerStore, server: NativeServer
) -> None:
    writing = writer(store)
    server.order(Trouble(Fault.LATE_STORING, seconds=1.0))

    assert write_until_stored(writing, batch(0, 10)) >= 2
    server.calm()
    assert stored(store) == (10, 10)


def test_cuts_at_random_moments_store_every_row_once(
    store: ServerStore, server: NativeServer
) -> None:
    draw = random.Random(20)
    writing = writer(store)
    for step in range(30):
        server.order(*(Trouble(draw.choice(CUTS)) for _ in range(draw.randrange(3))))
        if draw.random() < 0.3:
            writing.forget()  # As after a rebalance.
        write_until_stored(writing, batch(step * 7, 7))
    assert stored(store) == (210, 210)


def test_a_reader_whose_connection_breaks_asks_again(
    store: ServerStore, server: NativeServer
) -> None:
    assert store.query("SELECT 1").rows == [(1,)]
    server.cut()
    assert store.query("SELECT 2").rows == [(2,)]

    server.order(Trouble(Fault.CUT_BEFORE_DATA, statement="SELECT 3"))
    with pytest.raises(UnavailableError):
        store.query("SELECT 3")
    assert store.query("SELECT 3").rows == [(3,)]


def test_a_server_that_answers_late_is_waited_for_and_then_given_up(
    store: ServerStore, server: NativeServer
) -> None:
    server.order(Trouble(Fault.SLOW, seconds=0.5))
    assert write_until_stored(writer(store), batch(0, 5)) == 1

    hasty = ServerStore(target_of(server, timeout_seconds=0.3))
    server.order(Trouble(Fault.LATE_STORING, seconds=0.6))
    assert write_until_stored(writer(hasty), batch(5, 5)) >= 2
    hasty.close()
    server.calm()
    assert stored(store) == (10, 10)


@pytest.mark.parametrize("code", [241, 252, 209, 242, 999])
def test_an_error_that_passes_is_tried_again(
    store: ServerStore, server: NativeServer, code: int
) -> None:
    server.order(Trouble(Fault.ERROR, code=code, message="not now", times=2))
    assert write_until_stored(writer(store), batch(0, 5)) == 3
    assert stored(store) == (5, 5)


@pytest.mark.parametrize(("code", "advice"), [(60, "headwater migrate"), (497, "grant")])
def test_an_error_that_needs_somebody_says_what_to_do(
    store: ServerStore, server: NativeServer, code: int, advice: str
) -> None:
    server.order(Trouble(Fault.ERROR, code=code, message="no"))
    with pytest.raises(Refused, match=advice):
        writer(store).write(batch(0, 5))


def test_one_table_that_refuses_its_rows_does_not_touch_the_others(
    store: ServerStore, server: NativeServer
) -> None:
    server.order(Trouble(Fault.ERROR, statement="INSERT INTO freshness", code=469, times=100))

    with pytest.raises(BadRowsError):
        store.insert("freshness", {"stage": ["a"], "partition": [1], "stage_time": [0]})
    writer(store).write(batch(0, 5))
    assert stored(store) == (5, 5)
