"""Brings the tables and views of a store to this version.

Plain SQL files, `{number}_{name}.sql`, each statement on its own and safe to run again: a
migration that was interrupted is run once more. `schema_migrations` lists what was applied.

A released migration never changes, save for its comments: they are no part of the checksum, so
that their English may improve while every store of an earlier build stays current.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from importlib import resources

from streams.store.base import Refused, Store, quote

_FILE = re.compile(r"(\d+)_(\w+)\.sql")

_TEXT = r"'(?:[^'\\]|''|\\.)*'"
_PART = re.compile(
    rf"(?P<comment>\s*(?:--[^\n]*|\bCOMMENT\s+{_TEXT}))|(?P<space>\s+)|{_TEXT}|.", re.DOTALL
)

_RECORDED_BY_0_1_0 = {
    "05c1242708367fc6b38f2a24137462f85fec1f14d1aec44fe97a709eb43d1d5c": (
        "d070ad423df9934a6aff1b2616aed86e2024f43624f6440dee78318c8e9c0fb6"
    ),
    "5af2aa403461dcdf290aa82b9e7fac4ca7a7e581bc46dbcfb35f5d9e90701bd1": (
        "c0df44ecd645899623a1ae837bc62ceb75bcf79ff5d191dc812b923c9db4a9c8"
    ),
    "bbf2728c82326bbc29fd061a04a89b6e5887e416b68737e8ed47713120dd1dee": (
        "a226fd4031ddc87857ee384c4bb6ccfcae9ca4f2f81762541cd77bc7960bb8b5"
    ),
    "dc01fecc3ce3197a010f3a861fb351e4b249b5ae889801d73d202a81d772ca2a": (
        "725cff0eb3213f5add7cbf84525468ee941984312659a47ed9c0399dbeacd493"
    ),
    "a448e3ca3982465778a11414d6443503324764ae3a5b65dff8a17f7a44dc11f4": (
        "c59010e96797d597f0fa573a4884be4d6ccee016e6c55e92fe5ea133df5b8117"
    ),
    "2f841a287552defe521b59b482e6109c5a30782e356f4b57f3a1deb13b5c0be1": (
        "a4b8783cf57889272b0727a9f2532416e9cad43f5cfaf10dd2948c60e47bf882"
    ),
}
"""Checksum without comments -> with them: version 0.1.0 took the whole file."""

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
    NEWER = "newer"  # a newer version migrated the store
    CHANGED = "changed"  # the store has a migration whose statements differ


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
            found.append(Migration(int(match[1]), match[2], statements(text), checksum_of(text)))
    return sorted(found, key=lambda migration: migration.number)


def statements(text: str) -> tuple[str, ...]:
    """The statements of a SQL file, split at semicolons that end a line."""
    parts = (part.strip() for part in re.split(r";[ \t]*(?:\n|$)", text))
    return tuple(part for part in parts if re.sub(r"--[^\n]*", "", part).strip())


def checksum_of(text: str) -> str:
    """SHA-256 of a migration without its comments; of one of 0.1.0, what that version recorded."""
    own = hashlib.sha256(without_comments(text).encode()).hexdigest()
    return _RECORDED_BY_0_1_0.get(own, own)


def without_comments(text: str) -> str:
    """SQL without `-- …` and COMMENT '…', every stretch of white space as one space."""
    parts = (
        " " if part["space"] else part[0] for part in _PART.finditer(text) if not part["comment"]
    )
    return "".join(parts).strip()


def apply_migrations(store: Store) -> list[str]:
    """Apply the missing migrations and return their names.

    Raises Refused for a store of a newer version or of another build, UnavailableError.
    """
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
    """How the tables compare with those of this version."""
    return state_of(_applied(store), migrations())


def require_current(store: Store) -> None:
    """Raise Refused, with advice, unless the tables are those of this version."""
    state = check(store)
    if state is not SchemaState.CURRENT:
        raise Refused(_advice(store, state))


def state_of(applied: dict[int, str], wanted: list[Migration]) -> SchemaState:
    """`applied` holds checksums by number of the migration."""
    if max(applied, default=0) > wanted[-1].number:
        return SchemaState.NEWER
    if any(applied.get(one.number, one.checksum) != one.checksum for one in wanted):
        return SchemaState.CHANGED
    return SchemaState.CURRENT if len(applied) == len(wanted) else SchemaState.OLD


def _advice(store: Store, state: SchemaState) -> str:
    what = {
        SchemaState.OLD: "are old or missing: run `headwater migrate`",
        SchemaState.NEWER: "belong to a newer version: update Headwater",
        SchemaState.CHANGED: "belong to another build of Headwater: use an empty database",
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
