"""Rows of erased people become anonymous: no id of theirs is left, and no figure changes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.time import LogMs
from streams.stages.common.pseudonyms import AnonymousIds
from streams.stages.personal.anonymous_rows import anonymous_row
from streams.store.base import QueryResult, SqlValue, Store, UnavailableError
from streams.store.erasure.anonymous_ids import AnonymousSql
from streams.store.erasure.erase_rows import erase_rows
from streams.store.erasure.erased_list import list_statements
from streams.store.tables import TABLES
from tests.worlds.stores.fact_outcomes import (
    active_day,
    assignment,
    milestone,
    privacy_receipt,
    unit_exposure,
)
from tests.worlds.stores.store_world import every_kind, put
from tests.worlds.stores.traffic_outcomes import (
    NOON,
    booking,
    credit,
    dead_letter,
    decision,
    features,
    ledger,
    parked,
    prediction,
    touch,
    verdict,
)

pytest.importorskip("chdb")

SECRET = b"a secret of the installation, 32 bytes"
PERSON = "5f0c1a52-7d0e-4f6b-9a53-2d1c7f1b8e10"
OTHER = "0b6ad7f3-51c4-4a53-8d27-93d3a52b2a6e"
DEVICE = "d:puzzle:9d3c0f9d1f6f4a0e8f5f3c3d1a2b4c5d"
SALE, SALE_ID = "GPA.3312-9982-1123-77120", "puzzle:GPA.3312-9982-1123-77120"
CLICK = "click-77aa31"
NAMES = (PERSON, DEVICE.split(":")[2], SALE, CLICK, "event-of-the-touch", "event-of-the-sale")

FIGURES = (
    "SELECT * FROM v_campaign_daily ORDER BY ALL",
    "SELECT sum(amount), count(), uniqExact(install_id), uniqExact(conversion_id) FROM v_revenue",
    "SELECT count(), uniqExact(event_id), uniqExact(touch_id), sum(cost_micros) FROM touches",
    "SELECT count(), uniqExact(subject_id), sum(amount_micros), uniqExact(parked_id) FROM parked",
    "SELECT uniqExact(install_id), count() FROM active_days",
    "SELECT disposition, arraySort(groupArray(offsets)) FROM ledger GROUP BY 1 ORDER BY 1",
)


def life(install_id: str, of: int) -> list[Any]:
    """Everything that is stored of one install; `of` tells ids apart."""
    sale = SALE if install_id == PERSON else f"sale-{of}"
    click = CLICK if install_id == PERSON else f"click-{of}"
    booked = f"puzzle:{sale}:purchase.0badcafe"
    names = {"install_id": install_id, "conversion_id": install_id}
    return [
        touch("event-of-the-touch" if install_id == PERSON else f"touch-{of}", of, touch_id=click),
        decision(install_id, touch_id=click, candidates=f'[{{"touch_id":"{click}"}}]'),
        decision(install_id, 2, touch_id="", reason="erasure"),
        booking(
            f"puzzle:{sale}", install_id, booking_id=booked, transaction_id=sale,
            event_id="event-of-the-sale" if install_id == PERSON else f"paid-{of}",
        ),
        booking(
            f"puzzle:{sale}", install_id, booking_id=f"{booked}:2:back", transaction_id=sale,
            sign=-1, micros=-5_000_000,
        ),
        parked(booked, "parked"),
        features(install_id),
        prediction(install_id),
        verdict(install_id=install_id),
        replace(credit(), credit_id=f"{install_id}:1", **names),
        replace(active_day(), active_day_id=f"puzzle:{install_id}:0", **names),
        replace(milestone(), milestone_id=f"puzzle:{install_id}:e", **names),
        *in_experiment(install_id),
    ]  # fmt: skip


def in_experiment(install_id: str) -> list[Any]:
    of: dict[str, Any] = {"app_id": "puzzle", "experiment_id": "offer", "experiment_version": 1}
    unit = f"puzzle:offer:1:{install_id}"
    met = replace(unit_exposure(), exposure_id=f"{unit}:first", install_id=install_id, **of)
    return [
        replace(assignment(), assignment_id=unit, install_id=install_id, **of),
        replace(met, event_id=f"met {install_id}"),
    ]


def world() -> list[Any]:
    letter = base64.b64encode(f'{{"install_id":"{PERSON}", "gaid": 7}}'.encode()).decode()
    follows = decision("i9", prior_install_id=PERSON)
    of_device = touch("touch-by-device", 50, device_key=DEVICE, received_at=LogMs(NOON - 1))
    successor = touch("touch-of-successor", 51, device_key=DEVICE, received_at=LogMs(NOON + 1))
    repeated = replace(ledger("duplicate", "installs", [9]), repeat_ids=["x"], repeats_of=[PERSON])
    receipt = privacy_receipt(PERSON)
    key = replace(
        receipt, receipt_id="r1:matching", place="matching", subject_type="device",
        subject_key=DEVICE,
    )  # fmt: skip
    return [
        *life(PERSON, 1), *life(OTHER, 2), follows, of_device, successor, repeated, receipt, key,
        replace(dead_letter(), payload=letter, detail="install_id: ..."), dead_letter(),
    ]  # fmt: skip


def figures(store: Store) -> list[list[tuple[Any, ...]]]:
    return [store.query(sql).rows for sql in FIGURES]


def naming(store: Store, names: tuple[str, ...] = NAMES) -> list[tuple[str, str]]:
    """Which tables have which of the names, in any column, in Base64 as well."""
    found = []
    for table in [*TABLES, "privacy_erased"]:
        rows = str(store.query(f"SELECT * FROM {table}").rows)
        if table == "dead_letters":
            letters = store.query("SELECT base64Decode(payload) FROM dead_letters").rows
            rows += str(letters)
        if table == "touches":  # Of who has the device now.
            rows = str(store.query("SELECT * FROM touches WHERE event_id != 'touch-of-successor'"))
        found += [(table, name) for name in names if name in rows]
    return found


def erase(store: Store) -> int:
    return sum(one.rows for one in erase_rows(store, SECRET))


def test_no_row_names_the_person_and_no_figure_changes(store: Store) -> None:
    put(store, world())
    before = figures(store)
    assert {name for _, name in naming(store)} == set(NAMES)
    assert erase(store) > 0
    assert naming(store) == []
    assert figures(store) == before
    assert erase(store) == 0


def test_rows_of_others_stay_as_they_are(store: Store) -> None:
    put(store, world())
    sql = "SELECT * FROM {} WHERE install_id = '" + OTHER + "' ORDER BY ALL"
    tables = ("attributions", "revenue", "credits", "features", "predictions", "milestones")
    before = [store.query(sql.format(table)).rows for table in tables]
    assert all(before)
    erase(store)
    assert [store.query(sql.format(table)).rows for table in tables] == before
    assert store.query("SELECT device_key FROM touches WHERE event_id = 'touch-of-successor'").rows
    assert store.query("SELECT count() FROM dead_letters WHERE payload != ''").rows == [(1,)]


def test_touchpoints_of_a_decision_that_was_made_after_the_request_are_reached(
    store: Store,
) -> None:
    # A referrer named the click: it has no key of the device.
    known_as = AnonymousIds(SECRET).of(CLICK)
    nameless = decision(PERSON, touch_id="", candidates=f'[{{"touch_id":"{known_as}"}}]')
    others = [touch("touch-2", 2, touch_id="click-2")]
    put(store, [touch("event-of-the-touch", 1, touch_id=CLICK), *others, nameless])
    put(store, [privacy_receipt(PERSON)])
    erase(store)
    assert naming(store) == []
    assert store.query("SELECT candidates FROM attributions").rows == [("[]",)]
    assert store.query("SELECT count() FROM touches WHERE touch_id = 'click-2'").rows == [(1,)]


class Crashing:
    """A store whose process dies right before, or right after, one of its statements."""

    def __init__(self, store: Store, statement: int, *, is_after: bool) -> None:
        self._store, self._left, self._is_after = store, statement, is_after

    def execute(self, sql: str) -> None:
        self._left -= 1
        if self._left == 0 and not self._is_after:
            raise UnavailableError("killed")
        self._store.execute(sql)
        if self._left == 0:
            raise UnavailableError("killed")

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        return self._store.query(sql, params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_crash_between_writing_and_deleting_leaves_nothing_twice(store: Store) -> None:
    put(store, world())
    before = figures(store)
    inserts = len(list_statements(AnonymousSql(SECRET)))
    dying: Any = Crashing(store, inserts + 1, is_after=True)
    with pytest.raises(UnavailableError):
        erase(dying)
    assert figures(store) != before  # Both rows of a decision are there.
    erase(store)
    assert naming(store) == []
    assert figures(store) == before


def test_a_day_and_a_milestone_have_the_id_under_which_the_stage_tells_them_late(
    store: Store,
) -> None:
    """The stage knows the life by its anonymous id only, and makes the ids of rows of that."""
    put(store, world())
    erase(store)
    ids = AnonymousIds(SECRET)
    names = {"install_id": ids.of(PERSON), "conversion_id": ids.of(PERSON)}
    placed, met = in_experiment(ids.of(PERSON))
    day = replace(active_day(), active_day_id=f"puzzle:{ids.of(PERSON)}:0", **names)
    reached = replace(milestone(), milestone_id=f"puzzle:{ids.of(PERSON)}:e", **names)
    for table, column, late in (
        ("active_days", "active_day_id", day),
        ("milestones", "milestone_id", reached),
        ("assignments", "assignment_id", placed),
        ("experiment_exposures", "exposure_id", met),
    ):
        made = getattr(anonymous_row(late, ids), column)
        where = f"install_id = '{ids.of(PERSON)}'"
        assert store.query(f"SELECT DISTINCT {column} FROM {table} WHERE {where}").rows == [(made,)]


def test_what_arrives_later_is_made_anonymous_too(store: Store) -> None:
    put(store, world())
    before = figures(store)
    erase(store)
    put(store, world(), epoch="replayed")
    assert naming(store)
    erase(store)
    assert naming(store) == []
    # Everybody is stored twice now: views count ids once.
    assert figures(store)[:2] == before[:2]


def returned(began: int) -> list[Any]:
    """Who has the install id of the person again, and pays."""
    own = {"install_id": PERSON, "conversion_id": f"{PERSON}~opened-again", "install_time": began}
    return [
        replace(decision(PERSON, touch_id="click-of-return"), attribution_id="again:1", **own),
        booking("puzzle:sale-of-return", PERSON, transaction_id="sale-of-return",
                event_id="paid-again", event_time=began),
        replace(prediction(PERSON), prediction_id="predicted-again", landmark_time=began),
        replace(credit(), credit_id="credited-again", **own),
        replace(active_day(), active_day_id="day-again", **own),
    ]  # fmt: skip


OF_RETURN = ("attributions", "revenue", "predictions", "credits", "active_days")


def of_return(store: Store) -> list[tuple[str, int]]:
    where = f"install_id = '{PERSON}'"
    return [
        (table, int(store.query(f"SELECT count() FROM {table} WHERE {where}").rows[0][0]))
        for table in OF_RETURN
    ]


def test_who_comes_back_with_the_same_install_id_begins_anew(store: Store) -> None:
    put(store, world())
    put(store, returned(NOON + 30 * 86_400_000), epoch="later")
    for _ in range(2):
        erase(store)
        assert of_return(store) == [(table, 1) for table in OF_RETURN]
        assert not store.query(f"SELECT 1 FROM attributions WHERE touch_id = '{CLICK}'").rows
    put(store, world(), epoch="replayed")
    erase(store)
    assert of_return(store) == [(table, 1) for table in OF_RETURN]


def test_a_life_that_began_before_the_request_is_erased_with_the_first(store: Store) -> None:
    put(store, world())
    put(store, returned(NOON - 1_000), epoch="earlier")
    erase(store)
    assert of_return(store) == [(table, 0) for table in OF_RETURN]


def test_who_comes_back_and_asks_again_is_erased(store: Store) -> None:
    put(store, world())
    put(store, returned(NOON + 30 * 86_400_000), epoch="later")
    erase(store)
    again = replace(privacy_receipt(PERSON, "r2"), requested_at=LogMs(NOON + 31 * 86_400_000))
    put(store, [again], epoch="again")
    erase(store)
    assert of_return(store) == [(table, 0) for table in OF_RETURN]


def test_without_requests_nothing_is_touched(store: Store) -> None:
    put(store, [one for one in every_kind() if type(one).__name__ != "PrivacyReceipt"])
    assert erase(store) == 0


def test_the_engine_and_python_know_the_same_anonymous_id(store: Store) -> None:
    for name in (PERSON, "größe", "", "erased-1"):
        sql = AnonymousSql(SECRET).sql("{name}")
        found = store.query(f"SELECT {sql.replace('{name}', chr(39) + name + chr(39))}").rows
        assert found == [(AnonymousIds(SECRET).of(name),)]
    assert AnonymousIds(SECRET).of(PERSON) != AnonymousIds(b"another").of(PERSON)
