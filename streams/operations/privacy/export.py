"""Everything that is held about the person of a request, as JSON and as a page to read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from schemas import topics
from schemas.time import format_duration
from streams.errors import Stop, writing_to
from streams.operations.explain import explain_installs, explanation_text
from streams.operations.privacy.held_rows import NAMES_NOBODY, Held, held_rows, versions_behind
from streams.operations.privacy.person import Person, person_of
from streams.operations.privacy.readable import readable_page
from streams.operations.privacy.set_aside import Names, set_aside_rows
from streams.settings import Settings
from streams.stages.common.pseudonyms import Pseudonyms
from streams.store.base import Store
from streams.wiring.pseudonym_secret import former_secret, pseudonym_secret
from streams.wiring.store import stored

FORMAT, VERSION = "headwater.access", 1
EXPLAINED_MAX = 100
"""Installs that are explained in words: a person has few, a shared device may have many."""
_COLUMNS = """
SELECT table, name, comment FROM system.columns
WHERE database = currentDatabase() AND table IN {tables} ORDER BY table, position
"""
_TABLES = """
SELECT name, comment FROM system.tables
WHERE database = currentDatabase() AND name IN {tables}
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and where."""

    data_file: Path
    page_file: Path
    rows: dict[str, int]  # by table; tables that hold nothing are left out
    withheld: int  # keys that many people share


def export_person(
    settings: Settings,
    request_id: str,
    out: Path,
    *,
    replaces: bool,
    advance: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.time,
) -> Exported:
    """Write what is held about the person of a request: JSON to `out`, and a page beside it.

    Both files appear once they are complete, readable to their owner only. `advance` is called with
    the name of each table. Stop: the request is unknown, not answered yet, or carried out; a file
    exists and is not to be replaced, or cannot be written.
    """
    data_file = out.with_suffix(".json") if out.suffix == ".html" else out
    page_file = data_file.with_suffix(".html")
    for path in (data_file, page_file):
        if path.exists() and not replaces:
            raise Stop(f"{path} exists: name another file, or replace it with --force")
    with stored(settings) as store:
        person = person_of(store, request_id)
        document = _document(store, settings, person, advance)
        advance("explanations")
        explained = explain_installs(
            store, settings, person.app_id, person.installs[:EXPLAINED_MAX]
        )
    document["explanations"] = [
        explanation_text(one).splitlines() for one in explained if one.is_known
    ]
    document["made_at"] = datetime.fromtimestamp(clock(), UTC).isoformat(timespec="seconds")
    _write(data_file, orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str))
    _write(page_file, readable_page(document).encode())
    rows = {name: len(held["rows"]) for name, held in document["held"].items() if held["rows"]}
    return Exported(data_file, page_file, rows, len(person.withheld))


def _document(
    store: Store, settings: Settings, person: Person, advance: Callable[[str], None]
) -> dict[str, Any]:
    held: list[Held] = []
    for found in held_rows(store, person):
        advance(found.table)
        held.append(found)
    secrets = [pseudonym_secret(settings.privacy), former_secret(settings.privacy)]
    names = Names(person, _ids(held), [Pseudonyms(one) for one in secrets if one])
    for found in set_aside_rows(store, person, names):
        advance(found.table)
        held.append(found)
    predictions = next(one.rows for one in held if one.table == "predictions")
    return {
        "format": FORMAT,
        "version": VERSION,
        "request": {"subject_request_id": person.request_id, **person.request},
        "person": {
            "app_id": person.app_id,
            "installs": person.installs,
            "device_keys": person.devices,
            "account_keys": person.accounts,
            "bookings": person.bookings,
        },
        "withheld": person.withheld,
        "held": _described(store, held),
        "versions_behind_predictions": versions_behind(store, predictions),
        "names_nobody": dict(NAMES_NOBODY),
        "elsewhere": _elsewhere(),
    }


def _elsewhere() -> list[dict[str, str]]:
    """Where something about the person may be that the tables do not have."""
    return [
        {
            "place": "source topics, as producers sent it, device ids included",
            "kept": format_duration(topics.INSTALLS.retention_ms) + " from when it was sent",
        },
        {
            "place": "outcome topics, which the tables are filled from",
            "kept": format_duration(topics.ATTRIBUTIONS.retention_ms) + " from the decision",
        },
        {
            "place": "state of workers: what decides about later events of the person",
            "kept": "as `headwater settings retention` says",
        },
        {"place": "backups of ClickHouse and Kafka", "kept": "as long as you keep them"},
    ]


def _ids(held: Iterable[Held]) -> set[str]:
    """Ids of events and payments of the person, as producers sent them."""
    names = ("event_id", "transaction_id", "touch_id")
    of_person = (one for one in held if one.table not in ("parked", "ledger"))
    found = {row.get(name) or "" for one in of_person for row in one.rows for name in names}
    return found - {""}


def _described(store: Store, held: Iterable[Held]) -> dict[str, Any]:
    """The rows by table, with what the table and its columns mean."""
    found = {one.table: one for one in held}
    tables = sorted(found)
    about = {str(name): str(text) for name, text in store.query(_TABLES, {"tables": tables}).rows}
    columns: dict[str, dict[str, str]] = {}
    for table, name, text in store.query(_COLUMNS, {"tables": tables}).rows:
        columns.setdefault(str(table), {})[str(name)] = str(text)
    return {
        table: {
            "about": about.get(table, ""),
            "found_by": one.found_by,
            "columns": columns.get(table, {}),
            "rows": one.rows,
        }
        for table, one in found.items()
    }


def _write(path: Path, octets: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        with (
            writing_to(path),
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
        ):
            out.write(octets)
        with writing_to(path):
            part.replace(path)
    finally:
        with writing_to(path):
            part.unlink(missing_ok=True)
