"""Brings the tables and views of a store to this version.

Plain SQL files, `{number}_{name}.sql`, each statement on its own and safe to run again: a
migration that was interrupted is run once more. `schema_migrations` lists what was applied.

A released migration never changes, save for its comments: they are no part of the checksum, so
that their English may improve while every store of an earlier build stays current.

Migrations go forward only, and add: an earlier build goes on storing into tables that a later one
has migrated, so that builds can be mixed during an upgrade. One that takes away what an earlier
build writes or asks for says `-- needs a build with migration N`; older builds then refuse.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import resources

from streams.store.base import Refused, Store, quote

_FILE = re.compile(r"(\d+)_(\w+)\.sql")

_NEEDS = re.compile(r"^-- needs a build with migration (\d+)\s*$", re.MULTILINE)

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
_JOURNAL_NEEDS = """
ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS
    needs Int64 DEFAULT 0 COMMENT 'Migration that a build must know to use the tables; 0: any.'
"""


class SchemaState(Enum):
    CURRENT = "current"
    OLD = "old"  # run `headwater migrate`
    NEWER = "newer"  # a newer build migrated the store, and this one can use it
    TOO_NEW = "too new"  # a newer build migrated it to what this one cannot use
    CHANGED = "changed"  # the store has a migration whose statements differ


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    statements: tuple[str, ...]
    checksum: str
    needs: int = 0  # number of the migration that a build must know to use the tables after it


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """What a store says of a migration."""

    checksum: str
    needs: int = 0


def migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    found = []
    for file in (resources.files("schemas") / "migrations").iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            text = file.read_text(encoding="utf-8")
            needs = _NEEDS.search(text)
            found.append(
                Migration(
                    number=int(match[1]),
                    name=match[2],
                    statements=statements(text),
                    checksum=checksum_of(text),
                    needs=int(needs[1]) if needs else 0,
                )
            )
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

    A store that a newer build migrated is left as it is. Raises Refused for one that this build
    cannot use, UnavailableError.
    """
    store.execute(_JOURNAL)
    store.execute(_JOURNAL_NEEDS)
    wanted = migrations()
    journal = _applied(store)
    state = state_of(journal, wanted)
    if state not in (SchemaState.CURRENT, SchemaState.OLD, SchemaState.NEWER):
        raise Refused(schema_advice(store.place, state))
    applied = []
    for migration in wanted:
        if migration.number in journal:
            continue
        for statement in migration.statements:
            store.execute(statement)
        store.execute(
            # Rows within the text of an INSERT are for a client to send; a SELECT is the server's.
            "INSERT INTO schema_migrations (number, name, checksum, needs) SELECT "
            f"{migration.number}, {quote(migration.name)}, {quote(migration.checksum)}, "
            f"{migration.needs}"
        )
        applied.append(f"{migration.number}_{migration.name}")
    return applied


def check(store: Store) -> SchemaState:
    """How the tables compare with those of this version."""
    return state_of(_applied(store), migrations())


def require_usable(store: Store) -> None:
    """Raise Refused, with advice, unless this build can read and write the tables."""
    state = check(store)
    if state not in (SchemaState.CURRENT, SchemaState.NEWER):
        raise Refused(schema_advice(store.place, state))


def state_of(applied: Mapping[int, AppliedMigration], wanted: Sequence[Migration]) -> SchemaState:
    """`applied` holds what a store says, by number of the migration."""
    own = {one.number: one.checksum for one in wanted}
    if any(found.checksum != own.get(number, found.checksum) for number, found in applied.items()):
        return SchemaState.CHANGED
    if any(found.needs > max(own) for found in applied.values()):
        return SchemaState.TOO_NEW
    if own.keys() - applied.keys():
        return SchemaState.OLD
    return SchemaState.NEWER if applied.keys() - own.keys() else SchemaState.CURRENT


def schema_advice(place: str, state: SchemaState) -> str:
    """The state of the tables in one line, with what to do about it."""
    what = {
        SchemaState.CURRENT: "are those of this version",
        SchemaState.OLD: "are old or missing: run `headwater migrate`",
        SchemaState.NEWER: "are newer, and this version can use them",
        SchemaState.TOO_NEW: "belong to a newer version that this one cannot store for: update "
        "Headwater",
        SchemaState.CHANGED: "belong to another build of Headwater: use an empty database",
    }
    return f"the tables in {place} {what[state]}"


def _applied(store: Store) -> dict[int, AppliedMigration]:
    columns = store.query(
        "SELECT name FROM system.columns"
        " WHERE database = currentDatabase() AND table = 'schema_migrations'"
    )
    names = {str(name) for (name,) in columns.rows}
    if not names:
        return {}
    needs = "needs" if "needs" in names else "0"  # Builds that knew no needs migrated it last.
    rows = store.query(
        f"SELECT number, argMax(checksum, applied_at), max({needs}) FROM schema_migrations"
        " GROUP BY number"
    )
    return {
        int(number): AppliedMigration(str(checksum), int(needed))
        for number, checksum, needed in rows.rows
    }
