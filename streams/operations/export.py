"""Writes the rows of a view to a file, for tools that read none of our stores."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import available_timezones

from streams.errors import Stop
from streams.settings import Settings
from streams.store.base import QueryResult, quote
from streams.store.reading import Document, Readable, answer_to
from streams.store.reading.spreadsheet import for_spreadsheets
from streams.wiring.store import read_limits, stored

FORMATS = {"parquet": "Parquet", "csv": "CSVWithNames", "arrow": "Arrow"}
_DAYS = ("install_date", "day", "scored_date", "date")
_TIMES = (
    "install_time", "conversion_time", "event_time", "landmark_time", "decided_at", "received_at",
    "last_seen", "end_time", "at",
)  # fmt: skip
"""Columns that date a row, the first of them that a view has."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What to write, and where."""

    view: str
    output_format: str
    file: Path
    since: date | None = None
    app: str | None = None
    zone: str = "UTC"
    """Where the day `since` begins, for views whose rows have a time; days of views are UTC."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    rows: int
    bytes: int


def export_view(settings: Settings, plan: ExportPlan) -> ExportedFile:
    """Write the file, as a whole or not at all.

    Stop, in one line: the view, app or zone does not exist, the day is in the future, or the store
    cannot be read. OSError: the file cannot be written.
    """
    if plan.zone not in available_timezones():
        raise Stop(f"there is no time zone {plan.zone!r}: write an IANA name such as Europe/Berlin")
    with stored(settings) as store:
        columns = _columns(store, plan.view)
        condition = _condition(store, plan, columns)
        origin = f"FROM {plan.view}{condition}"
        limits = read_limits(settings)
        rows = int(_rows(store, f"SELECT count() {origin}").rows[0][0])
        if rows > limits.rows:
            raise Stop(
                f"{plan.view} has {rows:,} such rows, and HEADWATER_QUERY_ROWS allows "
                f"{limits.rows:,}: raise it, or ask for less with --since or --app"
            )
        document = answer_to(store, f"SELECT * {origin} FORMAT {plan.output_format}", limits)
    assert isinstance(document, Document), "the statement has a FORMAT clause"
    written = for_spreadsheets(document) if plan.output_format == FORMATS["csv"] else document
    write_whole(plan.file, written)
    return ExportedFile(rows, len(written))


def _rows(store: Readable, sql: str) -> QueryResult:
    return store.query(sql)


def _columns(store: Readable, view: str) -> set[str]:
    found = _rows(
        store,
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = "
        + quote(view),
    ).rows
    if not found or not re.fullmatch(r"\w+", view):
        names = _rows(store, "SHOW TABLES LIKE 'v\\_%'").rows
        known = ", ".join(str(name) for (name,) in names)
        raise Stop(f"there is no view {view!r}; the views are {known}")
    return {str(name) for (name,) in found}


def _condition(store: Readable, plan: ExportPlan, columns: set[str]) -> str:
    conditions = []
    if plan.app is not None:
        if "app_id" not in columns:
            raise Stop(f"{plan.view} has no column app_id: leave out --app")
        _require_app(store, plan.app)
        conditions.append(f"app_id = {quote(plan.app)}")
    if plan.since is not None:
        conditions.append(_since(store, plan, columns))
    return " WHERE " + " AND ".join(conditions) if conditions else ""


def _require_app(store: Readable, app: str) -> None:
    rows = _rows(
        store,
        "SELECT DISTINCT toString(app_id) AS app FROM attributions UNION DISTINCT"
        " SELECT DISTINCT toString(app_id) FROM touches UNION DISTINCT"
        " SELECT DISTINCT toString(app_id) FROM spend",
    ).rows
    known = sorted(str(name) for (name,) in rows)
    if app not in known:
        listed = ", ".join(known[:10]) + ", …" * (len(known) > 10) if known else "none yet"
        raise Stop(f"there is no app {app!r}; the apps are {listed}")


def _since(store: Readable, plan: ExportPlan, columns: set[str]) -> str:
    assert plan.since is not None, "the caller has looked"
    latest = str(_rows(store, "SELECT toString(toDate(now('UTC')))").rows[0][0])
    if plan.since.isoformat() > latest:
        raise Stop(f"--since {plan.since} is in the future: today is {latest} (UTC)")
    day = next((name for name in _DAYS if name in columns), None)
    if day is not None:
        if plan.zone != "UTC":
            raise Stop(f"days of {plan.view} are UTC: leave out --zone")
        return f"{day} >= toDate({quote(plan.since.isoformat())})"
    moment = next((name for name in _TIMES if name in columns), None)
    if moment is None:
        raise Stop(f"rows of {plan.view} have no day and no time: leave out --since")
    return f"{moment} >= toDateTime({quote(f'{plan.since} 00:00:00')}, {quote(plan.zone)})"


def write_whole(file: Path, document: bytes) -> None:
    """Write the file: as a whole, or not at all. OSError, with the name of the file."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with new.open("wb") as opened:
            opened.write(document)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        # Names what the person asked for, and not our file beside it.
        raise OSError(error.errno, error.strerror, str(file)) from error
