"""Works out anew the install days of which something was stored, and swaps them in.

A month is replaced as a whole, in one step of the engine: readers see it before or after, never in
between. Two builds at the same time do not harm: each is exact as of when it began, and what one of
them did not see is found again by the next, which looks back to `OVERLAP_SECONDS` before the
earlier of them began, however long that was ago.

A build that is killed may have put months back to when it began, after a later build had swapped in
its own. So before each swap it says since when changes are missing if its end is never said.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from streams.store.base import Store, quote
from streams.store.cohorts.view_text import narrowed, view_queries

OVERLAP_SECONDS = 180
"""Rows are dated when their insert begins, and an insert may take as long as this."""
SWAP_SECONDS = 180
"""Between what a build says before a swap and the swap itself, at most."""
_NEVER = "1970-01-01 00:00:00.000"
_SINCE = "toDateTime64({since}, 3, 'UTC')"
_LIVES = "conversion_type != 'reengagement'"
_TABLES = ("attributions", "revenue", "active_days", "predictions")


@dataclass(frozen=True, slots=True)
class CohortBuild:
    """What one build did."""

    days: int  # install days of an app
    seconds: float


def build_cohorts(
    store: Store, *, everything: bool = False, overlap_seconds: int = OVERLAP_SECONDS
) -> CohortBuild:
    """Bring the table up to date; `everything`: as if it had never been built.

    UnavailableError and Refused as the store raises them; the table is then as it was, or up to
    date for some months.
    """
    began = time.monotonic()
    until, second = store.query("SELECT now64(3, 'UTC') AS at, toUnixTimestamp(at)").rows[0]
    since = _NEVER if everything else _built_until(store, overlap_seconds)
    _drop_left_behind(store)
    with _scratch(store, int(second)) as names:
        build_id = names.build_id
        _find_changes(store, names, since)
        months = store.query(f"SELECT DISTINCT toYYYYMM(day) FROM {names.days} ORDER BY 1").rows
        days = int(store.query(f"SELECT count() FROM {names.days}").rows[0][0])
        for (month,) in months:
            _make_month(store, names, int(month), is_whole=everything)
            _record(store, _Record(since, build_id, is_begun=True))
            store.execute(f"ALTER TABLE cohort_daily REPLACE PARTITION {month} FROM {names.next}")
    if everything:
        _drop_empty_months(store)
    seconds = time.monotonic() - began
    _record(store, _Record(str(until), build_id, days=days, seconds=seconds))
    return CohortBuild(days, seconds)


@dataclass(frozen=True, slots=True)
class _Record:
    """A row of cohort_builds: as of when the table is, at least, if the build gets no further."""

    until: str
    build_id: str = ""
    is_begun: bool = False
    days: int = 0
    seconds: float = 0.0


def _record(store: Store, record: _Record) -> None:
    store.execute(
        "INSERT INTO cohort_builds (stored_until, days, seconds, build_id, is_begun) SELECT"
        f" {_SINCE.format(since=quote(record.until))}, {record.days}, {record.seconds:.3f},"
        f" {quote(record.build_id)}, {quote(record.is_begun)}"
    )


@dataclass(frozen=True, slots=True)
class _Scratch:
    """Tables of one build."""

    days: str
    installs: str
    next: str
    build_id: str

    def all(self) -> tuple[str, ...]:
        return self.days, self.installs, self.next


@contextmanager
def _scratch(store: Store, second: int) -> Iterator[_Scratch]:
    # Several storing workers may build at a time. The name says since when: engines from 2025 on
    # date no table (`metadata_modification_time` is 1970).
    build_id = f"{second}_{uuid.uuid4().hex[:12]}"
    days, installs, after = (f"cohort_{part}_{build_id}" for part in ("days", "installs", "next"))
    names = _Scratch(days, installs, after, build_id)
    ids = "(app_id String, install_id String) ENGINE = MergeTree ORDER BY (app_id, install_id)"
    try:
        store.execute(
            f"CREATE TABLE {names.days} (app_id String, day Date)"
            " ENGINE = MergeTree ORDER BY (app_id, day)"
        )
        store.execute(f"CREATE TABLE {names.installs} {ids}")
        store.execute(f"CREATE TABLE {names.next} AS cohort_daily")
        yield names
    finally:
        for name in names.all():
            store.execute(f"DROP TABLE IF EXISTS {name}")


@contextmanager
def builds_repeated(store: Store) -> Iterator[None]:
    """What is built while rows are written anew, and keep their dates, is built again afterwards:
    a build may see a row twice, or an install without its money."""
    since = _built_until(store, 0)
    yield
    if since != _NEVER:
        _record(store, _Record(since))


def _built_until(store: Store, overlap_seconds: int) -> str:
    # A build that ended after the last one began may have swapped in months as of its own begin,
    # and so may one whose end was never said, a little after it said that it was about to.
    found = store.query(
        "WITH (SELECT max(stored_until) FROM cohort_builds WHERE NOT is_begun) AS last"
        f" SELECT min(stored_until) - INTERVAL {overlap_seconds} SECOND, count()"
        f" FROM cohort_builds WHERE built_at >= last - INTERVAL {SWAP_SECONDS} SECOND"
        " AND if(is_begun, build_id NOT IN (SELECT build_id FROM cohort_builds WHERE NOT is_begun),"
        " built_at >= last)"
    ).rows[0]
    return max(str(found[0]), _NEVER) if found[1] else _NEVER


def _find_changes(store: Store, names: _Scratch, since: str) -> None:
    """The install days of all lives of every install of which a row was stored since then."""
    new = f"inserted_at >= {_SINCE.format(since=quote(since))}"
    touched = " UNION ALL ".join(
        f"SELECT app_id, install_id FROM {table} WHERE {new}" for table in _TABLES
    )
    rated = (
        "(SELECT if(count() = 0, toDate('2149-06-06'), min(toDate(toString(date))))"
        f" FROM rates WHERE {new})"
    )
    touched += (
        f" UNION ALL SELECT app_id, install_id FROM revenue WHERE currency != 'USD'"
        f" AND toDate(event_time) >= {rated}"
        f" UNION ALL SELECT app_id, install_id FROM predictions WHERE landmark = 'install'"
        f" AND currency NOT IN ('', 'USD') AND toDate(landmark_time) >= {rated}"
    )
    store.execute(
        f"INSERT INTO {names.days} SELECT DISTINCT toString(app_id), toDate(install_time)"
        f" FROM attributions WHERE environment = 'production' AND {_LIVES}"
        f" AND (app_id, install_id) IN (SELECT toString(app_id), install_id FROM ({touched}))"
    )


def _drop_empty_months(store: Store) -> None:
    """Months of the table of which no install is stored any more."""
    rows = store.query(
        "SELECT DISTINCT toYYYYMM(install_date) FROM cohort_daily"
        " WHERE toYYYYMM(install_date) NOT IN"
        f" (SELECT DISTINCT toYYYYMM(install_time) FROM attributions WHERE {_LIVES})"
    ).rows
    for (month,) in rows:
        store.execute(f"ALTER TABLE cohort_daily DROP PARTITION {month}")


def _drop_left_behind(store: Store) -> None:
    """Tables of builds whose process was killed."""
    rows = store.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND match(name, '^cohort_(days|installs|next)_[0-9]+_[0-9a-f]{12}$')"
        " AND toInt64OrZero(extract(name, '_([0-9]+)_')) < toUnixTimestamp(now()) - 86400"
    ).rows
    for (name,) in rows:
        store.execute(f"DROP TABLE IF EXISTS {name}")


def _make_month(store: Store, names: _Scratch, month: int, *, is_whole: bool) -> None:
    for name in (names.installs, names.next):
        store.execute(f"TRUNCATE TABLE {name}")
    changed = f"(SELECT app_id, day FROM {names.days} WHERE toYYYYMM(day) = {month})"
    store.execute(
        f"INSERT INTO {names.installs} SELECT DISTINCT toString(app_id), install_id"
        f" FROM attributions WHERE environment = 'production' AND {_LIVES}"
        f" AND (app_id, toDate(install_time)) IN {changed}"
    )
    if not is_whole:
        store.execute(
            f"INSERT INTO {names.next} SELECT * FROM cohort_daily"
            f" WHERE toYYYYMM(install_date) = {month}"
            f" AND (app_id, install_date) NOT IN {changed}"
        )
    store.execute(
        f"INSERT INTO {names.next} SELECT * FROM ({days_query(names.installs)})"
        f" WHERE (app_id, install_date) IN {changed}"
    )


def days_query(installs: str) -> str:
    """The query of v_cohort_days_now for the installs in the table `installs` alone."""
    queries = view_queries()
    of = f"(app_id, install_id) IN (SELECT app_id, install_id FROM {installs})"
    tables = {name: f"(SELECT * FROM {name} WHERE {of})" for name in _TABLES}
    bookings = narrowed(queries["v_bookings"], tables)
    return narrowed(queries["v_cohort_days_now"], tables | {"v_bookings": f"({bookings})"})
