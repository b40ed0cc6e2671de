"""How long tables keep their rows: a TTL of the engine, counted from when a row was stored.

Rows of one day expire together, at the end of a day, so that the engine rewrites a part once a day
at most. Event times would not do: they are claims, and a correction may carry the time of what it
corrects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from streams.errors import Stop
from streams.settings.values import Retention
from streams.store.base import Store
from streams.store.tables import TABLES

_OURS = re.compile(r"\bTTL toDate\(inserted_at\) \+ toIntervalDay\((\d+)\)")
_ANY = re.compile(r"\bTTL\b")

# Views join the rows on the left with those on the right: who is named last is kept as long.
_JOINED = (
    ("revenue", "rates"),
    ("spend", "rates"),
    ("credits", "attributions"),
    ("fraud_verdicts", "attributions"),
    ("model_quality", "model_versions"),
    ("model_contents", "model_versions"),
)


def require_consistent(kept: Retention, lookback_days: int) -> None:
    """Raise Stop when a table is unknown, or loses rows that views still need for another table.

    Money and predictions belong to installs of up to `lookback_days` before.
    """
    unknown = sorted(kept.keys() - TABLES.keys() - {"*"})
    if unknown:
        raise Stop(
            f"HEADWATER_RETENTION: there is no table {unknown[0]}; the tables are "
            + ", ".join(sorted(TABLES))
        )
    for table, needed in _JOINED:
        _require_as_long(kept, table, needed, 0)
    for table in ("revenue", "predictions"):
        _require_as_long(kept, table, "attributions", lookback_days)


def _require_as_long(kept: Retention, table: str, needed: str, more_days: int) -> None:
    days, needed_days = kept.days(table), kept.days(needed)
    if needed_days == Retention.FOREVER or needed_days >= (days or 10**6) + more_days:
        return
    longest = f"{days + more_days}d" if days else "forever"
    if days + more_days > Retention.DAYS_MAX:
        longest = "forever"
    why = f" and {more_days} days, the life of an install," * bool(more_days)
    raise Stop(
        f"HEADWATER_RETENTION: {needed} has to be kept as long as {table}{why} because views join "
        f"them: write {needed}:{longest}, or keep {table} for a shorter time"
    )


def apply_retention(store: Store, kept: Retention | None) -> dict[str, str]:
    """Give every table its TTL; what changed, by table, as words. None changes nothing.

    Rows that are too old by now vanish with the engine's next merges, within hours.
    """
    if kept is None:
        return {}
    found = _expressions(store)
    changed = {}
    for table in TABLES:
        days = kept.days(table)
        wanted = f"toDate(inserted_at) + toIntervalDay({days + 1})"
        expression = found.get(table, "")
        if days and f"TTL {wanted}" not in expression:
            store.execute(f"ALTER TABLE {table} MODIFY TTL {wanted}")
            changed[table] = f"for {days} days"
        elif not days and _ANY.search(expression):
            store.execute(f"ALTER TABLE {table} REMOVE TTL")
            changed[table] = "for ever"
    return changed


def kept_days(store: Store) -> Mapping[str, int]:
    """Days by table that has a TTL of ours; other tables keep rows for ever."""
    found = ((table, _OURS.search(text)) for table, text in _expressions(store).items())
    return {table: int(match[1]) - 1 for table, match in found if match}


def _expressions(store: Store) -> dict[str, str]:
    """The engine of each table with its clauses."""
    rows = store.query(
        "SELECT name, engine_full FROM system.tables"
        " WHERE database = currentDatabase() AND name IN {tables}",
        {"tables": sorted(TABLES)},
    ).rows
    return {str(name): str(engine) for name, engine in rows}
