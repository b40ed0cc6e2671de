"""Digests and accounting tell apart what differs, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.outcomes import Outcome
from streams.store import digest as digests
from streams.store.digest import converged_digest, store_digest
from streams.store.embedded import EmbeddedStore
from streams.store.reconcile import reconcile
from streams.store.tables import TABLES
from tests.worlds.stores.store_world import empty, every_kind, put
from tests.worlds.stores.subscription_steps import refund_that_waits
from tests.worlds.stores.traffic_outcomes import (
    booking,
    credit,
    dead_letter,
    decision,
    exposure,
    ledger,
    parked,
    prediction,
    rate,
    spend,
    touch,
    verdict,
)

pytest.importorskip("chdb")


@pytest.fixture
def open_store(opened: EmbeddedStore) -> Callable[[], EmbeddedStore]:
    """Gives an empty store, which is the one it gave before: chdb holds one folder."""

    def emptied() -> EmbeddedStore:
        empty(opened)
        return opened

    return emptied


def test_the_digest_ignores_order_and_places_in_the_outcome_log(
    open_store: Callable[[], EmbeddedStore],
) -> None:
    others = [touch("e2"), decision("i2"), ledger("parked", "costs", [3])]
    rows: list[Outcome] = [*every_kind(), *others]
    store = open_store()
    put(store, rows)
    first = store_digest(store)

    store = open_store()
    put(store, rows[::-1], first_offset=500, partition=3, epoch="another")
    assert store_digest(store) == first
    assert set(first) == set(TABLES) - {"freshness"}


@pytest.fixture(scope="module")
def unchanged(opened: EmbeddedStore) -> dict[str, str]:
    """The digest of one outcome of every kind."""
    empty(opened)
    put(opened, every_kind())
    return store_digest(opened)


@pytest.mark.parametrize(
    ("changed", "table"),
    [
        (touch("e1", campaign_name="Sprung"), "touches"),
        (decision("i1", decided_at=1), "attributions"),
        (booking("m1", "i1", 5_000_001), "revenue"),
        (prediction("i1", "install", 0.250000000000001), "predictions"),
        (ledger("decided", "installs", [0, 1]), "ledger"),
        (rate(rate_e9=1), "rates"),
        (verdict(value=4.0), "fraud_verdicts"),
        (credit(by_first={"beta": 1.0}), "credits"),
        (exposure("x2"), "exposures"),
    ],
)
def test_the_digest_sees_every_change(
    unchanged: dict[str, str], store: EmbeddedStore, changed: Outcome, table: str
) -> None:
    put(store, [changed if type(row) is type(changed) else row for row in every_kind()])
    after = store_digest(store)
    assert after.keys() == unchanged.keys()
    assert [name for name in unchanged if unchanged[name] != after[name]] == [table]


def test_refunds_that_wait_under_one_id_are_compared_each_for_itself(
    open_store: Callable[[], EmbeddedStore],
) -> None:
    rows = [refund_that_waits("r1", "parked", micros, f"r1:{micros}") for micros in (-5, -3)]
    digests_of = []
    for stored in (rows, rows[::-1], rows[:1]):
        store = open_store()
        put(store, stored)
        digests_of.append(converged_digest(store)["parked"])
    assert digests_of[0] == digests_of[1]
    assert digests_of[0] != digests_of[2]


def test_the_digest_is_the_same_in_one_pass_and_in_many(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, [touch(f"e{n}") for n in range(50)])
    at_once = store_digest(store)

    monkeypatch.setattr(digests, "ROWS_PER_PASS", 7)
    assert store_digest(store) == at_once


def test_offsets_of_the_ledger_may_be_grouped_differently(
    open_store: Callable[[], EmbeddedStore],
) -> None:
    store = open_store()
    put(store, [ledger("decided", "installs", [1, 2, 3])])
    whole = store_digest(store)

    store = open_store()
    put(store, [ledger("decided", "installs", [3]), ledger("decided", "installs", [1, 2])])
    assert store_digest(store) == whole


def test_the_converged_digest_forgets_how_a_decision_came_about(
    open_store: Callable[[], EmbeddedStore],
) -> None:
    store = open_store()
    put(
        store,
        [
            decision("i1", 1, media_source="organic"),
            decision("i1", 2),
            decision("i1", 1, conversion_id="i1~e5"),
            decision("i1", 2, conversion_id="i1~e5", status="withdrawn"),
            parked("m1", "parked"),
            parked("m1", "released"),
            parked("m2", "parked"),
            booking("m1", "i1"),
            booking("m1", "i1", -5_000_000, booking_id="m1:-", sign=-1, is_relink=True),
            booking("m1", "i2", booking_id="m1:+", is_relink=True),
            touch("e1", offset=1),
            touch("e1", offset=0),
            ledger("decided", "touchpoints", [0]),
            ledger("duplicate", "touchpoints", [1]),
        ],
    )
    roundabout = converged_digest(store)

    store = open_store()
    put(
        store,
        [
            decision("i1", 1, decided_at=77, candidates='["other"]', contributors='["other"]'),
            parked("m2", "parked", offset=9),
            booking("m1", "i2"),
            touch("e1", offset=1),
            touch("e1", offset=0),
            ledger("duplicate", "touchpoints", [0]),
            ledger("decided", "touchpoints", [1]),
        ],
        first_offset=40,
    )
    assert converged_digest(store) == roundabout


def test_predictions_join_the_converged_digest_with_their_model(store: EmbeddedStore) -> None:
    put(store, [prediction("i1")])

    assert "predictions" not in converged_digest(store)
    assert (
        converged_digest(store, "v1")["predictions"] != converged_digest(store, "v2")["predictions"]
    )


def sound_world() -> list[Outcome]:
    return [
        touch("e1", offset=0),
        touch("e1", offset=1),
        decision("i1"),
        decision("i1", 2),
        booking("m1", "i1"),
        spend("s1"),
        rate(source_offset=1),
        parked("m2", "parked", "account", offset=1),
        parked("m2", "released", "account", offset=1),
        parked("m2", "parked", "install", offset=1),
        parked("m3", "parked", offset=2),
        parked("m3", "expired", offset=2),
        dead_letter(offset=4),
        ledger("decided", "touchpoints", [0]),
        ledger("duplicate", "touchpoints", [1]),
        ledger("decided", "installs", [0]),
        ledger("parked", "payments", [0, 1, 2]),
        ledger("decided", "payments", [0]),
        ledger("expired", "payments", [2]),
        ledger("duplicate", "payments", [3]),
        ledger("decided", "costs", [0, 1]),
        ledger("decided", "activity", [3]),
        ledger("dead_lettered", "activity", [4]),
    ]


def test_a_sound_store_reconciles(store: EmbeddedStore) -> None:
    put(store, sound_world())

    found = reconcile(store, received=11)
    assert found.faults == []
    assert found.reconciled
    assert (found.received, found.decided, found.duplicates) == (11, 6, 2)
    assert (found.parked, found.expired, found.dead_lettered) == (1, 1, 1)
    assert found.stored_rows["touches"] == 2


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        (ledger("duplicate", "installs", [0]), "settled more than once"),
        (ledger("decided", "installs", [8]), "attributions: 1 installs"),
        (touch("e9", offset=9), "touches: 2 touchpoints"),
        (booking("m9"), "revenue: 2 payments"),
        (parked("m9", "parked"), "parked: 2 still waiting"),
        (rate(source_offset=2), "spend, rates and orders: 3 source offsets"),
        (dead_letter(offset=99), "dead_letters: 2 source offsets"),
        (booking("m1", "i2", booking_id="m1:+"), "booked to several installs"),
    ],
)
def test_what_does_not_add_up_is_named(store: EmbeddedStore, extra: Outcome, fault: str) -> None:
    put(store, sound_world())
    put(store, [extra], first_offset=100)

    found = reconcile(store)
    assert not found.reconciled
    assert any(fault in line for line in found.faults), found.faults


def test_a_message_stored_twice_is_named_although_no_view_counts_it(store: EmbeddedStore) -> None:
    put(store, sound_world())
    put(store, [spend("s1")])

    assert reconcile(store).faults == ["spend: 1 rows are second copies of a message"]


def test_offsets_that_never_arrived_are_missed(store: EmbeddedStore) -> None:
    put(store, sound_world())
    assert reconcile(store, received=12).faults == [
        "ledger: 12 events were sent, but 11 offsets are settled"
    ]


def test_the_rows_behind_every_digest_can_be_listed(store: EmbeddedStore) -> None:
    put(store, [*every_kind(), touch("e1", offset=7), decision("i1", 2)])

    for name, compared in digests.compared_when_converged("v1").items():
        listed = store.query(f"SELECT count() FROM {compared.source}", compared.params)
        assert listed.rows == [(1,)], name
