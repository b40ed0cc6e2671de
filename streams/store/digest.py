"""One SHA-256 per table, to compare what two runs stored.

The digest of a table: hash every row, sort the hashes, hash their concatenation in 256 groups
by first byte, and hash the 256 results. All but the last step is done by ClickHouse, with
texts that are the same in every version: numbers as digits, times as milliseconds, fractions as
their 64 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.store.base import SqlValue, Store
from streams.store.tables import TABLES, Column, ColumnKind, Table, parked_of_last_booking

ROWS_PER_PASS = 4_000_000
"""Rows whose hashes, 64 bytes each, one pass holds in memory."""

GROUPS = 256

# Depends on when a worker reported, not on what it decided.
UNCOMPARED = frozenset({"freshness"})

_TEXT_OF = {
    ColumnKind.TEXT: "toString({0})",
    ColumnKind.INTEGER: "toString({0})",
    ColumnKind.TIME: "toString(toUnixTimestamp64Milli({0}))",
    ColumnKind.FLAG: "toString(toUInt8({0}))",
    ColumnKind.FRACTION: "toString(reinterpretAsUInt64({0}))",
    ColumnKind.TEXTS: "arrayStringConcat(arrayMap(x -> concat(toString(length(x)), ':', x), {0}))",
    ColumnKind.INTEGERS: "arrayStringConcat(arrayMap(x -> toString(x), {0}), ',')",
    ColumnKind.FRACTIONS_BY_NAME: (
        "arrayStringConcat(arraySort(arrayMap((k, v) -> concat(toString(k), '=',"
        " toString(reinterpretAsUInt64(v))), mapKeys({0}), mapValues({0}))), ',')"
    ),
}


class Compared(NamedTuple):
    """Rows to hash, as SQL expressions that give text over an origin, the part after FROM."""

    expressions: list[str]
    origin: str
    once_by: str = ""  # among rows with the same values of these columns only one counts:
    first_by: str = "1"  # the row where this is least
    params: dict[str, SqlValue] = {}  # noqa: RUF012  # Never changed.
    size: str = ""  # SQL for the rough number of rows, where the origin is costly to count

    @property
    def source(self) -> str:
        """The rows that count, as SQL to select from."""
        if not self.once_by:
            return self.origin
        order = f"{self.once_by}, {self.first_by}"
        return f"(SELECT * FROM {self.origin} ORDER BY {order} LIMIT 1 BY {self.once_by})"

    def hashes(self) -> str:
        """SQL for one hash per row that counts."""
        # The separator is unambiguous: intake refuses messages with a null byte.
        row = f"SHA256(arrayStringConcat([{', '.join(self.expressions)}], '\\0'))"
        if not self.once_by:
            return f"SELECT hex({row}) AS row_hash FROM {self.origin}"
        # Hash first and choose then, so that no whole rows are kept in memory.
        return (
            f"SELECT hex(argMin({row}, tuple({self.first_by}))) AS row_hash"
            f" FROM {self.origin} GROUP BY {self.once_by}"
        )


def store_digest(store: Store) -> dict[str, str]:
    """Digest by table of everything stored, save the time of storing and the log position."""
    return {
        table.name: _digest(store, _everything(table))
        for table in TABLES.values()
        if table.name not in UNCOMPARED
    }


def converged_digest(
    store: Store, model: str | None = None, tables: Mapping[str, Table] = TABLES
) -> dict[str, str]:
    """Digest by name of what the same events lead to, whatever the order of their partitions.

    Predictions depend on the order in which a model learned, so they are included only for the
    version `model`. Only the columns of `tables` count.
    """
    compared = compared_when_converged(model, tables)
    return {name: _digest(store, rows) for name, rows in sorted(compared.items())}


def compared_when_converged(
    model: str | None = None, tables: Mapping[str, Table] = TABLES
) -> dict[str, Compared]:
    """The rows behind each converged digest, by name of the digest.

    Fraud verdicts belong to a version of a decision and depend on what was known then; their final
    effect is in the attributions. Sampled paths depend on which devices arrived first.
    """
    columns = {name: table.columns for name, table in tables.items()}
    set_aside = ["stage", "kind", "state_key", "source_topic"]
    compared = {
        "touches": _touches(columns["touches"]),
        "attributions": _attributions(columns["attributions"]),
        "credits": _credits(columns["credits"]),
        "revenue": _revenue(columns["revenue"]),
        "active_days": _active_days(columns["active_days"]),
        "milestones": _milestones(columns["milestones"]),
        "parked": _parked(columns["parked"]),
        "dead_letters": _dead_letters(),
        "quarantined": Compared(set_aside, "quarantined", once_by="log_epoch, quarantine_id"),
        "ledger": _ledger(),
    }
    for name in ("spend", "rates", "postback_rows", "privacy_rows"):
        compared[name] = _distinct(tables[name])
    if model is not None:
        compared["predictions"] = _predictions(model, columns["predictions"])
    return compared


def _texts(columns: Iterable[Column], without: Iterable[str] = ()) -> list[str]:
    skipped = set(without)
    return [
        _TEXT_OF[column.kind].format(column.name)
        for column in columns
        if column.name not in skipped
    ]


_SOURCE_POSITION = ("source_topic", "source_partition", "source_offset")
_SOURCE = ("received_at", *_SOURCE_POSITION)


_OFFSETS = ("offsets", "repeat_ids", "repeats_of", "repeat_offsets")


def _everything(table: Table) -> Compared:
    if table.name != "ledger":
        return Compared(_texts(table.columns), table.name)
    # How offsets were grouped depends on where batches were cut.
    expressions = [*_texts(table.columns, _OFFSETS), "toString(offset)"]
    return Compared(expressions, "ledger ARRAY JOIN offsets AS offset")


def _touches(columns: Iterable[Column]) -> Compared:
    return Compared(
        _texts(columns, _SOURCE),
        "touches",
        once_by="app_id, touch_type, event_id",
        first_by="source_partition, source_offset, log_epoch, log_offset",
    )


_NEWEST = "-version, -toUnixTimestamp64Milli(decided_at), log_epoch, log_offset"


def _attributions(columns: Iterable[Column]) -> Compared:
    """Withdrawn conversions count as if they had never been."""
    # These depend on when and in which order the decision was made.
    history = ("attribution_id", "version", "supersedes", "reason", "decided_at")
    receipt = ("candidates", "contributors", "match_confidence", "model_version")
    withdrawn = (
        "SELECT app_id, conversion_id FROM attributions GROUP BY app_id, conversion_id"
        f" HAVING argMin(status, tuple({_NEWEST})) = 'withdrawn'"
    )
    return Compared(
        _texts(columns, (*history, *receipt, *_SOURCE)),
        f"attributions WHERE (app_id, conversion_id) NOT IN ({withdrawn})",
        once_by="app_id, conversion_id",
        first_by=_NEWEST,
    )


def _credits(columns: Iterable[Column]) -> Compared:
    """Shares by rules. Shares by models depend on the order in which those learned."""
    history = ("credit_id", "revision", "version", "decided_at")
    learned = ("model_version", "by_markov", "by_hazard")
    return Compared(
        _texts(columns, (*history, *learned)),
        "credits",
        once_by="app_id, conversion_id",
        first_by="-revision, log_epoch, log_offset",
    )


def _revenue(columns: Iterable[Column]) -> Compared:
    """Money that moved to another install equals money that was booked there at once."""
    signed = ("amount_micros", "net_micros", "fee_micros", "tax_micros")
    skipped = ("booking_id", "sign", "is_relink", "event_id", *signed, *_SOURCE)
    kept = [one for one in columns if one.name not in skipped]
    keys = ", ".join(column.name for column in kept)
    sums = ", ".join(f"sum(toInt128({name})) AS {name}_sum" for name in signed)
    source = (
        f"(SELECT {keys}, {sums} FROM"
        " (SELECT * FROM revenue LIMIT 1 BY app_id, booking_id)"
        f" GROUP BY {keys} HAVING sum(sign) != 0)"
    )
    return Compared(
        [*_texts(kept), *(f"toString({name}_sum)" for name in signed)],
        source,
        size="SELECT count() FROM revenue",
    )


def _active_days(columns: Iterable[Column]) -> Compared:
    """Which activity of a day was read first depends on the order."""
    skipped = ("event_time", *_SOURCE)
    return Compared(_texts(columns, skipped), "active_days", once_by="active_day_id")


def _milestones(columns: Iterable[Column]) -> Compared:
    """When each name was first seen: of events at the same time any may be told."""
    return Compared(
        _texts(columns, ("milestone_id", "event_id", *_SOURCE)),
        "milestones",
        once_by="app_id, install_id, name",
        first_by="toUnixTimestamp64Milli(event_time)",
    )


_REFUND_THAT_WAITS = (
    "if(waits_for = 'purchase', replaceRegexpOne(parked_id, ':(parked|released|expired)$', ''), '')"
)


def _parked(columns: Iterable[Column]) -> Compared:
    """What was released counts as if it had never waited. Refunds of one id that state different
    things wait each for itself."""
    parked = parked_of_last_booking()
    subject = f"app_id, subject_id, waits_for, {_REFUND_THAT_WAITS}"
    unsettled = (
        f"SELECT {subject} FROM {parked} GROUP BY {subject}"
        " HAVING countIf(state = 'expired') > 0 OR uniqExactIf(parked_id, state = 'parked')"
        " > uniqExactIf(parked_id, state = 'released')"
    )
    return Compared(
        _texts(columns, ("parked_id", "deadline", *_SOURCE)),
        f"{parked} WHERE ({subject}) IN ({unsettled}) AND state != 'released'",
        once_by=subject,
        first_by="state = 'parked', log_epoch, log_partition, log_offset",
    )


def _dead_letters() -> Compared:
    """Which messages of a flood were copied depends on where a worker was interrupted."""
    flooded = "SELECT source_topic FROM ledger WHERE flood_app != ''"
    position = f"log_epoch, {', '.join(_SOURCE_POSITION)}"
    source = (
        f"(SELECT {position}, toString(source_topic) AS topic, toString(reason) AS why,"
        f" if(source_topic IN ({flooded}), '', payload) AS content FROM dead_letters"
        " UNION ALL SELECT log_epoch, source_topic, source_partition, offset AS source_offset,"
        " toString(source_topic), toString(flood_reason), ''"
        " FROM ledger ARRAY JOIN offsets AS offset WHERE flood_app != '')"
    )
    return Compared(["topic", "why", "content"], source, once_by=position)


def _ledger() -> Compared:
    """The order decides which copy of a repeat is the decided one, but not how many there are."""
    source = (
        "(SELECT source_topic, disposition, count() AS offsets FROM v_accounting"
        " GROUP BY source_topic, disposition)"
    )
    return Compared(["source_topic", "disposition", "toString(offsets)"], source)


def _distinct(table: Table) -> Compared:
    columns = [column for column in table.columns if column.name not in _SOURCE]
    names = ", ".join(column.name for column in columns)
    return Compared(_texts(columns), table.name, once_by=names)


def _predictions(model: str, columns: Iterable[Column]) -> Compared:
    compared = [one for one in columns if one.name != "predicted_at"]
    names = ", ".join(column.name for column in compared)
    source = "predictions WHERE model_version = {model}"
    return Compared(_texts(compared), source, once_by=names, params={"model": model})


def _digest(store: Store, compared: Compared) -> str:
    counted = store.query(
        compared.size or f"SELECT count() FROM {compared.origin}", compared.params
    )
    passes = min(GROUPS, int(counted.rows[0][0]) // ROWS_PER_PASS + 1)
    step = -(-GROUPS // passes)
    whole = hashlib.sha256()
    for first in range(0, GROUPS, step):
        last = min(first + step, GROUPS) - 1
        groups = store.query(
            "SELECT substring(row_hash, 1, 2) AS prefix,"
            " hex(SHA256(arrayStringConcat(arraySort(groupArray(row_hash)))))"
            f" FROM ({compared.hashes()})"
            " WHERE substring(row_hash, 1, 2) BETWEEN {first} AND {last}"
            " GROUP BY prefix ORDER BY prefix",
            {**compared.params, "first": f"{first:02X}", "last": f"{last:02X}"},
        )
        for prefix, group in groups.rows:
            whole.update(f"{prefix}{group}".encode())
    return whole.hexdigest()
