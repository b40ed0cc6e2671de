"""Bring a store's tables and views to what this version needs.

Plain SQL files, `{number}_{name}.sql`, each statement on its own and safe to run again: a
migration that was cut off is simply run once more. What was applied is in `schema_migrations`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from importlib import resources

from streams.store.base import Refused, Store, quote

_FILE = re.compile(r"(\d+)_(\w+)\.sql")

_JOURNAL = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number Int64 COMMENT 'Number of the migration.',
    name String COMMENT 'Name of the migration.',
    checksum String COMMENT 'SHA-256 of the file that was applied.',
    applied_at DateTime DEFAULT now() COMMENT 'When it was applied.'
)
ENGINE = MergeTree
ORDER BY number
COMMENT 'Migrations that were applied to this database.'
"""


class SchemaState(Enum):
    CURRENT = "current"
    OLD = "old"  # run `headwater migrate`
    NEWER = "newer"  # a newer Headwater was here
    CHANGED = "changed"  # a migration was applied in another form


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    statements: tuple[str, ...]
    checksum: str


def migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    found = []
    for file in (resources.files("schemas") / "migrations").iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            text = file.read_text(encoding="utf-8")
            checksum = hashlib.sha256(text.encode()).hexdigest()
            found.append(Migration(int(match[1]), match[2], statements(text), checksum))
    return sorted(found, key=lambda migration: migration.number)


def statements(text: str) -> tuple[str, ...]:
    """Split at semicolons that end a line."""
    parts = (part.strip() for part in re.split(r";[ \t]*(?:\n|$)", text))
    return tuple(part for part in parts if re.sub(r"--[^\n]*", "", part).strip())


def migrate(store: Store) -> list[str]:
    """Apply what is missing; return the names of what was applied. Raises Refused on a store
    that a newer version migrated."""
    store.execute(_JOURNAL)
    wanted = migrations()
    journal = _applied(store)
    if state_of(journal, wanted) in (SchemaState.NEWER, SchemaState.CHANGED):
        raise Refused(_advice(store, state_of(journal, wanted)))
    applied = []
    for migration in wanted:
        if migration.number in journal:
            continue
        for statement in migration.statements:
            store.execute(statement)
        store.execute(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES "
            f"({migration.number}, {quote(migration.name)}, {quote(migration.checksum)})"
        )
        applied.append(f"{migration.number}_{migration.name}")
    return applied


def check(store: Store) -> SchemaState:
    """Whether the tables are those of this version."""
    return state_of(_applied(store), migrations())


def require_current(store: Store) -> None:
    """Raise Refused, with advice, unless the tables are those of this version."""
    state = check(store)
    if state is not SchemaState.CURRENT:
        raise Refused(_advice(store, state))


def state_of(applied: dict[int, str], wanted: list[Migration]) -> SchemaState:
    """`applied` is number -> checksum."""
    if max(applied, default=0) > wanted[-1].number:
        return SchemaState.NEWER
    if any(applied.get(one.number, one.checksum) != one.checksum for one in wanted):
        return SchemaState.CHANGED
    return SchemaState.CURRENT if len(applied) == len(wanted) else SchemaState.OLD


def _advice(store: Store, state: SchemaState) -> str:
    what = {
        SchemaState.OLD: "are old or missing: run `headwater migrate`",
        SchemaState.NEWER: "are newer than this version: update Headwater",
        SchemaState.CHANGED: "come from another build of Headwater: use an empty database",
    }
    return f"the tables in {store.place} {what[state]}"


def _applied(store: Store) -> dict[int, str]:
    exists = store.query(
        "SELECT count() FROM system.tables"
        " WHERE database = currentDatabase() AND name = 'schema_migrations'"
    )
    if not exists.rows[0][0]:
        return {}
    rows = store.query(
        "SELECT number, argMax(checksum, applied_at) FROM schema_migrations GROUP BY number"
    )
    return {int(number): str(checksum) for number, checksum in rows.rows}
