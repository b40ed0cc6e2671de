"""What became of single events: decided, a duplicate of which, parked until when, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streams.operations.explain import queries
from streams.operations.explain.rows import Row, query_rows
from streams.store.base import SqlValue, Store

_SOURCE = ("source_topic", "source_partition", "source_offset")
_MEANINGS: Mapping[str, str] = {
    "touches": "stored as a touchpoint",
    "attributions": "told of install {install_id}",
    "revenue": "booked to install {install_id}",
    "spend": "stored as spend",
    "rates": "stored as an exchange rate",
    "postback_rows": "stored as a postback",
    "privacy_rows": "accepted as a request",
}


def events_of(store: Store, params: Mapping[str, SqlValue], app: str) -> list[Row]:
    """The events that an id names, each with `event_id`, `disposition`, `duplicate_of`, `reason`.

    Of money that moved between installs there is one row an event. `app` empty: of all apps.
    """
    found: dict[tuple[Any, ...], Row] = {}
    for row in query_rows(store, queries.SELECT_EVENTS, params):
        if not app or row["app_id"] in ("", app):
            found.setdefault((row["table"], *_position(row)), row)
    stored = [{**row, **_fate(store, row)} for row in found.values()]
    decided = [row for row in stored if row["disposition"] != "duplicate"]
    copies = [row | {"repeats": ""} for row in stored if row["disposition"] == "duplicate"]
    repeats = copies + query_rows(store, queries.SELECT_REPEATS, params)
    return decided + [_repeat(store, row, decided, app) for row in repeats]


def event_at(store: Store, topic: str, partition: int, offset: int) -> list[Row]:
    """The event at a position of the log; empty when nothing is known of it."""
    params: dict[str, SqlValue] = {"topic": topic, "partition": partition, "offset": offset}
    at: Row = dict(zip(_SOURCE, (topic, partition, offset), strict=True))
    repeats = query_rows(store, queries.SELECT_REPEAT_AT, params)
    fates = query_rows(store, queries.SELECT_FATE, params)
    if repeats:
        return [{**at, **fates[-1], **_repeat(store, repeats[-1], [], "")}] if fates else []
    return [{**at, "event_id": "", "duplicate_of": None, "reason": "", **found} for found in fates]


def waiting_events(parked: Iterable[Row], known: Iterable[Row]) -> Iterator[Row]:
    """Events that are parked or expired and stand in no table."""
    seen = {_position(row) for row in known}
    latest = {_position(row): row for row in parked}
    for position, row in latest.items():
        if position not in seen:
            until = f"waits for its {row['waits_for']} until {row['deadline']}"
            if row["state"] == "expired":
                until = f"its {row['waits_for']} was not found by {row['deadline']}"
            elif row["state"] == "released":
                until = f"has found its {row['waits_for']}"
            yield {
                **dict(zip(_SOURCE, position, strict=True)),
                "event_id": row.get("event_id", ""),
                "app_id": row["app_id"],
                "table": "parked",
                "disposition": row["disposition"],
                "duplicate_of": None,
                "reason": until,
            }


def refused_events(letters: Iterable[Row]) -> Iterator[Row]:
    for row in letters:
        yield {
            **{name: row[name] for name in _SOURCE},
            "event_id": row["event_id"],
            "app_id": row["app_id"],
            "table": "dead_letters",
            "disposition": "dead_lettered",
            "duplicate_of": None,
            "reason": f"{row['reason']}: {row['detail']}",
        }


def _fate(store: Store, row: Row) -> Row:
    params: dict[str, SqlValue] = {
        "topic": row["source_topic"],
        "partition": int(row["source_partition"]),
        "offset": int(row["source_offset"]),
    }
    rows = query_rows(store, queries.SELECT_FATE, params)
    disposition = rows[-1]["disposition"] if rows else "not in the ledger yet"
    reason = _MEANINGS[row["table"]].format(install_id=row["install_id"])
    return {"disposition": disposition, "duplicate_of": None, "reason": reason}


def _repeat(store: Store, row: Row, decided: Iterable[Row], app: str) -> Row:
    """A duplicate, with the event that it repeats: the one that counts."""
    subject = row["repeats"]
    original = next((one for one in decided if one["event_id"] == row["event_id"]), None)
    if subject:
        rows = query_rows(store, queries.SELECT_ORIGINAL, {"id": subject})
        rows = [one for one in rows if not app or one["app_id"] == app] or rows
        original = rows[0] if rows else original
    first = original["event_id"] if original and original["event_id"] else ""
    place = f", at {':'.join(str(original[name]) for name in _SOURCE)}" if original else ""
    what = f"{subject} was counted before" if subject else "its event_id was counted before"
    return {
        **{name: row[name] for name in _SOURCE},
        "event_id": row["event_id"],
        "app_id": original["app_id"] if original else row.get("app_id", ""),
        "table": "ledger",
        "disposition": "duplicate",
        "duplicate_of": first or subject or row["event_id"],
        "reason": f"{what}{f' by event {first}' if subject and first else ''}{place}",
    }


def _position(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _SOURCE)
