"""The table of cohorts is what the stored outcomes say, after any correction of any install day."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest

from schemas.outcomes import Outcome
from schemas.time import DAY_MS, EventMs
from streams.store.base import Refused, Store
from streams.store.cohorts import build_cohorts, builds_repeated
from streams.store.cohorts.view_text import narrowed
from tests.worlds.stores.cohort_world import FIRST, cohort_history
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import booking, decision, prediction, rate

pytest.importorskip("chdb")

COLUMNS = (
    "* REPLACE (mapSort(micros) AS micros, round(predicted_payers, 9) AS predicted_payers, "
    "mapSort(mapApply((k, v) -> (k, round(v, 9)), predicted_usd)) AS predicted_usd)"
)


def kept_and_now(store: Store) -> tuple[list[Any], list[Any]]:
    """The rows of the table, and what is worked out from everything at this moment."""
    kept, now = (
        store.query(f"SELECT {COLUMNS} FROM {view} ORDER BY ALL").rows
        for view in ("v_cohort_days", "v_cohort_days_now")
    )
    return kept, now


def assert_exact(store: Store) -> None:
    kept, now = kept_and_now(store)
    assert kept == now


def test_a_first_build_is_exact_and_a_second_one_finds_nothing_to_do(store: Store) -> None:
    put(store, cohort_history(1).rows())
    assert build_cohorts(store, overlap_seconds=0).days > 10
    assert_exact(store)
    assert build_cohorts(store, overlap_seconds=0).days == 0
    assert_exact(store)


@pytest.mark.parametrize("seed", [1])
def test_random_corrections_leave_it_exact(store: Store, seed: int) -> None:
    rng = Random(seed)
    history = cohort_history(seed, installs=30)
    rows = list(history.rows())
    rng.shuffle(rows)
    rows += list(_corrections(rng, 20))
    for number in range(2):
        put(store, rows[number::2], first_offset=1_000 * number)
        built = build_cohorts(store, overlap_seconds=0)
        assert_exact(store)
    assert built.days > 0


def _corrections(rng: Random, count: int) -> list[Outcome]:
    """Later lives, predictions, restated rates, and decisions of installs that have money."""
    found: list[Outcome] = []
    for number in range(count):
        name = f"i{rng.randrange(30)}"
        at = FIRST + rng.randrange(12 * DAY_MS)
        times: dict[str, Any] = {
            "install_time": EventMs(at),
            "app_id": rng.choice(["puzzle", "run"]),
        }
        life = f"{name}~e{number}"
        found += [
            msgspec.structs.replace(decision(life, **times), install_id=name),
            rate("EUR", "USD", rng.randrange(10**9, 2 * 10**9), date="2025-12-30", revision=number),
            msgspec.structs.replace(
                prediction(name, amounts={"d7": 1.5, "d90": 4.0}, currency="EUR"),
                landmark_time=at, app_id=times["app_id"], value_version="v1",
            ),
        ]  # fmt: skip
    return found


def test_only_install_days_that_changed_are_worked_out(store: Store) -> None:
    put(store, [decision(f"i{day}", install_time=FIRST + day * DAY_MS) for day in range(40)])
    assert build_cohorts(store, overlap_seconds=0).days == 40
    late = FIRST + 39 * DAY_MS
    refund = booking("r1", "i3", -5, kind="refund", event_time=late, install_time=FIRST)
    put(store, [refund, decision("i35", 2, install_time=FIRST + 35 * DAY_MS, media_source="beta")],
        first_offset=100)  # fmt: skip
    assert build_cohorts(store, overlap_seconds=0).days == 2
    assert_exact(store)


def test_a_restated_rate_changes_the_days_whose_money_it_prices(store: Store) -> None:
    put(store, [decision("i1", install_time=FIRST), decision("i2", install_time=FIRST + DAY_MS)])
    put(store, [booking("m1", "i1", install_time=FIRST), rate("EUR", "USD")])
    build_cohorts(store, overlap_seconds=0)
    put(store, [rate("EUR", "USD", 2_000_000_000, revision=1)], first_offset=10)
    assert build_cohorts(store, overlap_seconds=0).days == 1
    assert_exact(store)


def test_an_install_day_of_which_nothing_is_left_is_taken_out(store: Store) -> None:
    put(store, [decision("i1", install_time=FIRST), decision("i2", install_time=FIRST + DAY_MS)])
    build_cohorts(store, overlap_seconds=0)
    put(store, [decision("i1", 2, status="withdrawn", install_time=FIRST)], first_offset=10)
    build_cohorts(store, overlap_seconds=0)
    assert store.query("SELECT DISTINCT toString(install_date) FROM cohort_daily").rows == [
        ("2026-01-02",)
    ]
    store.execute("TRUNCATE TABLE attributions")
    build_cohorts(store, everything=True)
    assert store.query("SELECT count() FROM cohort_daily").rows == [(0,)]


class CutOff:
    """A store whose n-th statement fails."""

    def __init__(self, store: Store, calls: int) -> None:
        self._store = store
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def execute(self, sql: str) -> None:
        self._calls -= 1
        if self._calls == 0:
            raise Refused("cut off")
        self._store.execute(sql)


@pytest.mark.parametrize("calls", [9])
def test_a_build_that_is_cut_off_leaves_whole_months_and_no_scratch(
    store: Store, calls: int
) -> None:
    put(store, [decision("i1", install_time=FIRST)])
    build_cohorts(store, overlap_seconds=0)
    put(store, [decision("i1", 2, media_source="beta", install_time=FIRST)], first_offset=10)
    before = store.query("SELECT * FROM cohort_daily ORDER BY ALL").rows

    with pytest.raises(Refused):
        build_cohorts(CutOff(store, calls), overlap_seconds=0)

    after = store.query("SELECT * FROM cohort_daily ORDER BY ALL").rows
    assert after == before or kept_and_now(store)[0] == kept_and_now(store)[1]
    names = {row[0] for row in store.query("SHOW TABLES LIKE 'cohort_%'").rows}
    assert names == {"cohort_daily", "cohort_builds"}
    build_cohorts(store, overlap_seconds=0)
    assert_exact(store)


def test_a_question_about_one_app_and_day_reads_few_granules(store: Store) -> None:
    store.execute(
        "INSERT INTO cohort_daily (app_id, install_date, clock, day_n, installs, site_id) SELECT"
        " concat('app', toString(number % 5)), toDate('2026-01-01') + intDiv(number, 5) % 28,"
        " 'calendar', number % 30, 1, toString(number) FROM numbers(140000)"
    )
    text = "\n".join(
        str(row[0])
        for row in store.query(
            "EXPLAIN indexes = 1 SELECT * FROM v_cohorts WHERE app_id = 'app3' AND install_date = "
            "'2026-01-09'"
        ).rows
    )
    read, of = text.split("Granules: ")[-1].split("\n")[0].split("/")
    assert int(of) > 100
    assert int(read) <= 0.05 * int(of)


def test_only_whole_names_behind_from_and_join_are_replaced() -> None:
    sources = {"revenue": "(SELECT 1)"}
    text = (
        "SELECT revenue.x FROM revenue WHERE 1 UNION ALL SELECT x FROM revenue AS r JOIN revenues"
    )
    assert narrowed(text, sources) == (
        "SELECT revenue.x FROM (SELECT 1) AS revenue WHERE 1 UNION ALL "
        "SELECT x FROM (SELECT 1) AS r JOIN revenues"
    )


def test_rows_that_were_stored_while_a_build_ran_are_found_by_the_next(store: Store) -> None:
    """They are dated before its end, and looking back finds them."""
    put(store, [decision("i1", install_time=FIRST)])
    build_cohorts(store)
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    put(store, [decision("i2", install_time=FIRST)], first_offset=10)
    build_cohorts(store)
    assert store.query("SELECT sum(installs) FROM cohort_daily WHERE clock = 'calendar'").rows == [
        (2,)
    ], moment


class Overtaken:
    """A store that lets another worker store and build before the first month is swapped in."""

    def __init__(self, store: Store, *, is_killed: bool = False) -> None:
        """`is_killed`: nothing is done any more after the first swap."""
        self._store = store
        self._is_killed = is_killed
        self._is_overtaken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def execute(self, sql: str) -> None:
        if "REPLACE PARTITION" in sql and not self._is_overtaken:
            self._is_overtaken = True
            put(self._store, [decision("i2", install_time=FIRST)], first_offset=10)
            build_cohorts(self._store, overlap_seconds=0)
        elif self._is_overtaken and self._is_killed:
            raise Refused("killed")
        self._store.execute(sql)


def test_a_month_that_a_killed_build_put_back_is_built_again(store: Store) -> None:
    """It had begun before another one, swapped after it, and never said that it ended."""
    put(store, [decision("i1", install_time=FIRST)])
    with pytest.raises(Refused, match="killed"):
        build_cohorts(Overtaken(store, is_killed=True), overlap_seconds=0)
    kept, now = kept_and_now(store)
    assert kept != now
    build_cohorts(store, overlap_seconds=0)
    assert_exact(store)


@pytest.mark.parametrize("everything", [False, True])
def test_what_a_long_build_did_not_see_is_found_though_another_had_built_it(
    store: Store, everything: bool
) -> None:
    put(store, [decision("i1", install_time=FIRST)])
    build_cohorts(Overtaken(store), everything=everything, overlap_seconds=0)
    build_cohorts(store, overlap_seconds=0)
    assert_exact(store)
    assert build_cohorts(store, overlap_seconds=0).days == 0


def test_scratch_of_a_build_that_was_killed_is_dropped_a_day_later(store: Store) -> None:
    now = int(store.query("SELECT toUnixTimestamp(now())").rows[0][0])
    for second in (now - 90_000, now - 7_000):
        store.execute(
            f"CREATE TABLE cohort_days_{second}_0123456789ab (x Int8) ENGINE = MergeTree ORDER BY x"
        )
    build_cohorts(store)
    names = store.query("SHOW TABLES LIKE 'cohort_days_%_0123456789ab'").rows
    assert names == [(f"cohort_days_{now - 7_000}_0123456789ab",)]


def test_what_was_built_while_rows_were_written_anew_is_built_again(store: Store) -> None:
    put(store, [decision("i1", install_time=FIRST)])
    build_cohorts(store, overlap_seconds=0)
    with builds_repeated(store):
        anonymous = "* REPLACE ('erased-1' AS install_id, 'erased-1' AS conversion_id)"
        store.execute(f"INSERT INTO attributions SELECT {anonymous} FROM attributions")
        put(store, [decision("i2", install_time=FIRST)], first_offset=10)
        build_cohorts(store, overlap_seconds=0)
        store.execute(
            "ALTER TABLE attributions DELETE WHERE install_id = 'i1' SETTINGS mutations_sync = 2"
        )
    build_cohorts(store, overlap_seconds=0)
    assert_exact(store)
    assert build_cohorts(store, overlap_seconds=0).days == 0


def test_a_table_that_was_never_built_is_built_as_a_whole_after_rows_were_written_anew(
    store: Store,
) -> None:
    put(store, [decision("i1", install_time=FIRST)])
    with builds_repeated(store):
        pass
    assert build_cohorts(store).days == 1
