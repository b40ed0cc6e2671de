"""Checks received = decided + duplicates + parked + expired + dead-lettered + quarantined, from
stored rows.

The ledger has the disposition of every source offset, and the tables have to agree with it. Of an
event that is quarantined the tables may have a part, which counts nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from schemas import topics
from streams.store.base import Store, quote
from streams.store.log_epochs import in_series
from streams.store.retention import kept_days
from streams.store.tables import TABLES, parked_of_last_booking


@dataclass(frozen=True, slots=True)
class Accounting:
    """Source offsets by final disposition. Clock ticks are not events and are not counted."""

    received: int
    decided: int
    duplicates: int
    parked: int
    expired: int
    dead_lettered: int
    quarantined: int
    reconciled: bool
    faults: list[str]  # one line each; empty when reconciled
    stored_rows: dict[str, int]


Ledger = dict[tuple[str, str], int]
"""(source topic, disposition) -> number of offsets."""


def reconcile(store: Store, received: int | None = None) -> Accounting:
    """`received` is the number of events that producers sent; None: take it from the ledger.

    Where tables expire, the ledger and each of them are compared on those source offsets that were
    settled recently enough for both to have all their rows.
    """
    ledger, faults = _ledger(store)
    stored_rows = {name: _count(store, f"SELECT count() FROM {name}") for name in TABLES}
    counted = sum(ledger.values())
    if received is not None and received != counted:
        faults.append(f"ledger: {received} events were sent, but {counted} offsets are settled")
    days = min(kept_days(store).values(), default=0)
    faults.extend(_disagreements(store, ledger) if not days else _recent_disagreements(store, days))
    faults.extend(_repeats(store, stored_rows))
    return Accounting(
        received=counted if received is None else received,
        decided=_total(ledger, "decided"),
        duplicates=_total(ledger, "duplicate"),
        parked=_total(ledger, "parked"),
        expired=_total(ledger, "expired"),
        dead_lettered=_total(ledger, "dead_lettered"),
        quarantined=_total(ledger, "quarantined"),
        reconciled=not faults,
        faults=faults,
        stored_rows=stored_rows,
    )


def _ledger(store: Store) -> tuple[Ledger, list[str]]:
    found = store.query(
        "SELECT source_topic, disposition, count(), countIf(final_dispositions != 1)"
        " FROM v_accounting GROUP BY source_topic, disposition ORDER BY 1, 2"
    )
    faults = [
        f"ledger: {several} offsets of {topic} are settled more than once ({disposition})"
        for topic, disposition, _, several in found.rows
        if several
    ]
    return {(row[0], row[1]): int(row[2]) for row in found.rows}, faults


def _total(ledger: Ledger, *dispositions: str, among: tuple[topics.Topic, ...] = ()) -> int:
    names = {topic.name for topic in among}
    return sum(
        n
        for (topic, disposition), n in ledger.items()
        if disposition in dispositions and (not names or topic in names)
    )


@dataclass(frozen=True, slots=True)
class _Check:
    """A count that must be the same in a table and in the ledger."""

    table: str
    what: str
    sql: str
    topics: tuple[topics.Topic, ...] = ()  # none: of any topic
    dispositions: tuple[str, ...] = ("decided",)


# Ids are counted per series of logs, like offsets: a log that is replayed decides again. What is
# selected from has the series as `log_epoch`.
_SOURCE_POSITION = "log_epoch, source_topic, source_partition, source_offset"

_APART = (
    f"({_SOURCE_POSITION}) NOT IN (SELECT log_epoch, source_topic, source_partition, offset"
    f" FROM {in_series('ledger')} ARRAY JOIN offsets AS offset"
    " WHERE disposition = 'quarantined')"
)


def _whole(table: str) -> str:
    """The rows of events that are not quarantined, as SQL to select from."""
    rows = in_series(table)
    if table == "parked":
        rows = parked_of_last_booking("log_epoch, app_id", in_series)
    return f"(SELECT * FROM {rows} WHERE {_APART})"


# A repeat that shows other ids brings other evidence, so it is no duplicate there.
_TOUCH = (
    "log_epoch, environment, app_id, touch_type, event_id,"
    " if(touch_type = 'click', touch_id, device_key)"
)

# A refund and its reversal are two events that may wait under the id of one refund.
_WAITS = f"""(
    SELECT {_SOURCE_POSITION}, app_id, subject_id,
        max(is_expired) AS has_expired, max(is_open) AS is_waiting
    FROM
    (
        SELECT {_SOURCE_POSITION}, app_id, subject_id, max(state = 'expired') AS is_expired,
            uniqExactIf(parked_id, state = 'parked') > uniqExactIf(parked_id, state != 'parked')
                AS is_open
        FROM {_whole("parked")} GROUP BY {_SOURCE_POSITION}, app_id, subject_id, waits_for
    )
    GROUP BY {_SOURCE_POSITION}, app_id, subject_id
)"""

# Every step of a transaction is an event, and has bookings of its own.
_BOOKED = f"""(
    SELECT sum(sign) AS places
    FROM
    (
        SELECT DISTINCT {_SOURCE_POSITION}, app_id, money_id, booking_id, sign
        FROM {_whole("revenue")}
    )
    GROUP BY {_SOURCE_POSITION}, app_id, money_id
)"""


def _distinct(key: str, table: str) -> str:
    return f"SELECT uniqExact({key}) FROM {_whole(table)}"


# The bytes of a flood stay in the source topic: the ledger alone has its offsets.
_FLOODED = (
    "SELECT uniqExact(log_epoch, source_topic, source_partition, offset)"
    f" FROM {in_series('ledger')} ARRAY JOIN offsets AS offset WHERE flood_app != ''"
)
_WAITING = (topics.PAYMENTS, topics.ACTIVITY)
_CHECKS = (
    _Check("touches", "touchpoints", _distinct(_TOUCH, "touches"),
           (topics.TOUCHPOINTS,)),
    _Check("touches", "source offsets", _distinct(_SOURCE_POSITION, "touches"),
           (topics.TOUCHPOINTS,), ("decided", "duplicate")),
    _Check("attributions", "installs",
           _distinct("log_epoch, app_id, conversion_id", "attributions")
           + " WHERE conversion_type != 'reengagement'",
           (topics.INSTALLS,)),
    _Check("revenue", "payments", f"SELECT countIf(places > 0) FROM {_BOOKED}",
           (topics.PAYMENTS,)),
    _Check("spend, rates and orders", "source offsets",
           f"SELECT ({_distinct(_SOURCE_POSITION, 'spend')})"
           f" + ({_distinct(_SOURCE_POSITION, 'rates')})"
           f" + ({_distinct(_SOURCE_POSITION, 'experiment_orders')})", (topics.COSTS,)),
    _Check("postback_rows", "postbacks", _distinct("log_epoch, postback_id", "postback_rows"),
           (topics.POSTBACKS,)),
    _Check("postback_rows", "source offsets", _distinct(_SOURCE_POSITION, "postback_rows"),
           (topics.POSTBACKS,), ("decided", "duplicate")),
    _Check("privacy_rows", "source offsets", _distinct(_SOURCE_POSITION, "privacy_rows"),
           (topics.PRIVACY_REQUESTS,)),
    _Check("dead_letters", "source offsets",
           f"SELECT ({_distinct(_SOURCE_POSITION, 'dead_letters')}) + ({_FLOODED})",
           dispositions=("dead_lettered",)),
    _Check("quarantined", "source offsets",
           f"SELECT uniqExact({_SOURCE_POSITION}) FROM {in_series('quarantined')}"
           " WHERE source_topic != ''",
           dispositions=("quarantined",)),
    _Check("parked", "still waiting",
           f"SELECT countIf(is_waiting AND NOT has_expired) FROM {_WAITS}", _WAITING, ("parked",)),
    _Check("parked", "expired", f"SELECT countIf(has_expired) FROM {_WAITS}",
           _WAITING, ("expired",)),
)  # fmt: skip


_BOOKED_TWICE = f"SELECT countIf(places NOT IN (0, 1)) FROM {_BOOKED}"


def _disagreements(store: Store, ledger: Ledger) -> Iterator[str]:
    for check in _CHECKS:
        found = _count(store, check.sql)
        yield from _compared(check, found, _total(ledger, *check.dispositions, among=check.topics))
    yield from _booked_twice(_count(store, _BOOKED_TWICE))


def _compared(check: _Check, found: int, expected: int) -> Iterator[str]:
    if found != expected:
        yield (
            f"{check.table}: {found} {check.what}, but the ledger has {expected} offsets"
            f" {' or '.join(check.dispositions)}"
            + (f" of {' or '.join(topic.name for topic in check.topics)}" * bool(check.topics))
        )


def _booked_twice(payments: int) -> Iterator[str]:
    if payments:
        yield f"revenue: {payments} payments are booked to several installs at once"


def _recent_disagreements(store: Store, days: int) -> Iterator[str]:
    """The same on source offsets whose first settlement no table has lost yet.

    Rows are kept for `days` days and the rest of the last one. A day less leaves room for a table
    that stored its row before the ledger did.
    """
    recent = (
        f"SELECT {_SOURCE_POSITION.replace('source_offset', 'offset')} FROM {in_series('ledger')}"
        f" ARRAY JOIN offsets AS offset GROUP BY ALL"
        f" HAVING min(inserted_at) >= toStartOfDay(now('UTC')) - toIntervalDay({days - 1})"
    )
    for check in _CHECKS:
        named = [topic.name for topic in check.topics]
        settled = (
            "SELECT epoch, source_topic, source_partition, source_offset FROM v_accounting"
            f" WHERE disposition IN {quote(check.dispositions)}"
            + f" AND source_topic IN {quote(named)}" * bool(named)
            + f" AND (epoch, source_topic, source_partition, source_offset) IN ({recent})"
        )
        found = _count(store, _among(settled, check.sql))
        yield from _compared(check, found, _count(store, f"SELECT count() FROM ({settled})"))
    yield from _booked_twice(_count(store, _among(recent, _BOOKED_TWICE)))


def _among(positions: str, sql: str) -> str:
    """The statement on rows of the source offsets that `positions` selects."""
    chosen = f"WHERE ({_SOURCE_POSITION}) IN ({positions})"

    def limited(found: re.Match[str]) -> str:
        if found[1] == "ledger":  # One row there has many source offsets.
            return (
                "FROM (SELECT * REPLACE ([source_offset] AS offsets) FROM (SELECT *, "
                f"arrayJoin(offsets) AS source_offset FROM {in_series('ledger')}) {chosen})"
            )
        return f"FROM (SELECT * FROM {in_series(found[1])} {chosen})"

    return re.sub(r"\bFROM ([a-z_]+)\b", limited, sql)


def _repeats(store: Store, stored_rows: dict[str, int]) -> Iterator[str]:
    for table, rows in stored_rows.items():
        positions = _count(
            store, f"SELECT uniqExact(log_epoch, log_partition, log_offset) FROM {table}"
        )
        if positions != rows:
            yield f"{table}: {rows - positions} rows are second copies of a message"


def _count(store: Store, sql: str) -> int:
    return int(store.query(sql).rows[0][0])
