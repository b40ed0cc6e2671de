"""Comments of a released migration may improve; its statements may not change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

import pytest

from streams.store.base import Refused
from streams.store.columns import OutcomeDecoder
from streams.store.embedded import EmbeddedStore
from streams.store.migrations import (
    AppliedMigration,
    Migration,
    SchemaState,
    apply_migrations,
    check,
    checksum_of,
    migrations,
    require_usable,
    state_of,
    without_comments,
)
from streams.store.tables import TABLES
from tests.worlds.stores.migrated import migrated_store

RECORDED_BY_0_1_0 = {
    1: "d070ad423df9934a6aff1b2616aed86e2024f43624f6440dee78318c8e9c0fb6",
    2: "c0df44ecd645899623a1ae837bc62ceb75bcf79ff5d191dc812b923c9db4a9c8",
    3: "a226fd4031ddc87857ee384c4bb6ccfcae9ca4f2f81762541cd77bc7960bb8b5",
    4: "725cff0eb3213f5add7cbf84525468ee941984312659a47ed9c0399dbeacd493",
    5: "c59010e96797d597f0fa573a4884be4d6ccee016e6c55e92fe5ea133df5b8117",
    6: "a4b8783cf57889272b0727a9f2532416e9cad43f5cfaf10dd2948c60e47bf882",
}
"""`schema_migrations` of a store that version 0.1.0 made: checksums of files with old comments."""


TAKES_AWAY = re.compile(
    r"\b(?:(?:DROP|RENAME|CLEAR) COLUMN|(?:DROP|RENAME|TRUNCATE) TABLE|DROP VIEW)\b", re.IGNORECASE
)


def test_a_store_of_0_1_0_is_current() -> None:
    assert state_of(_applied(RECORDED_BY_0_1_0), migrations()[:6]) is SchemaState.CURRENT


def _applied(checksums: Mapping[int, str], **needs: int) -> dict[int, AppliedMigration]:
    """What a store says; `needs` by number of the migration, as `_7=7`."""
    return {
        number: AppliedMigration(checksum, needs.get(f"_{number}", 0))
        for number, checksum in checksums.items()
    }


OWN = [Migration(number, "own", (), f"sum {number}") for number in (1, 2, 3)]
SUMS = {one.number: one.checksum for one in OWN}
STATES: list[tuple[dict[int, AppliedMigration], SchemaState]] = [
    ({}, SchemaState.OLD),
    (_applied({1: "sum 1", 2: "sum 2"}), SchemaState.OLD),
    (_applied(SUMS), SchemaState.CURRENT),
    (_applied(SUMS | {4: "later"}), SchemaState.NEWER),
    (_applied(SUMS | {4: "later", 5: "later"}, _4=2, _5=3), SchemaState.NEWER),
    (_applied(SUMS | {4: "later"}, _4=4), SchemaState.TOO_NEW),
    (_applied(SUMS | {4: "later", 5: "later"}, _4=4), SchemaState.TOO_NEW),
    (_applied({1: "sum 1", 3: "sum 3"}), SchemaState.OLD),
    (_applied({1: "sum 1", 4: "later"}), SchemaState.OLD),
    (_applied(SUMS | {2: "edited"}), SchemaState.CHANGED),
    (_applied(SUMS | {2: "edited", 4: "later"}), SchemaState.CHANGED),
]


@pytest.mark.parametrize(("applied", "state"), STATES)
def test_what_a_store_applied_says_whether_this_build_can_use_it(
    applied: dict[int, AppliedMigration], state: SchemaState
) -> None:
    assert state_of(applied, OWN) is state


def test_a_migration_that_takes_something_away_says_which_build_it_needs() -> None:
    for migration in migrations():
        taken = [text for text in migration.statements if TAKES_AWAY.search(text)]
        assert not taken or migration.needs == migration.number, (
            f"migration {migration.number} takes away what earlier builds write or ask for: say "
            f"`-- needs a build with migration {migration.number}`, or add instead ({taken[0]})"
        )


def test_a_changed_statement_is_noticed() -> None:
    folder = resources.files("schemas") / "migrations"
    text = (folder / "5_credit_views.sql").read_text(encoding="utf-8")

    assert checksum_of(text) == RECORDED_BY_0_1_0[5]
    assert checksum_of(text.replace("LIMIT 1 BY", "LIMIT 2 BY")) != RECORDED_BY_0_1_0[5]
    assert checksum_of(text.replace("'markov'", "'shapley'")) != RECORDED_BY_0_1_0[5]


@pytest.mark.parametrize(
    "text",
    [
        "-- why\nSELECT a, 'x -- y' AS b\nFROM t",
        "SELECT a, -- why\n    'x -- y' AS b\nFROM t COMMENT 'it''s t'",
        "SELECT a, 'x -- y'   AS b COMMENT 'b, it\\'s' FROM t\n",
    ],
)
def test_comments_and_white_space_are_no_part_of_a_checksum(text: str) -> None:
    bare = "SELECT a, 'x -- y' AS b FROM t"

    assert without_comments(text) == bare
    assert checksum_of(text) == hashlib.sha256(bare.encode()).hexdigest()


def test_every_migration_has_a_number_of_its_own() -> None:
    numbers = [migration.number for migration in migrations()]

    assert len(set(numbers)) == len(numbers)


# --- the tables of a store ------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store whose tables a test may change."""
    pytest.importorskip("chdb")
    opened = migrated_store(tmp_path / "store")
    yield opened
    opened.close()


def test_migrating_again_changes_nothing(store: EmbeddedStore) -> None:
    assert apply_migrations(store) == []
    assert check(store) is SchemaState.CURRENT


def test_a_journal_of_an_earlier_build_names_no_needs(store: EmbeddedStore) -> None:
    store.execute("ALTER TABLE schema_migrations DROP COLUMN needs")
    assert check(store) is SchemaState.CURRENT
    store.execute("INSERT INTO schema_migrations (number, name, checksum) VALUES (99, 'x', 'y')")
    assert check(store) is SchemaState.NEWER


def test_rows_of_a_later_build_are_stored_as_far_as_this_one_knows_them(
    store: EmbeddedStore,
) -> None:
    later = b"""{"schema_version": 1, "stage": "intake", "disposition": "left to chance", "move": 0,
        "source_topic": "installs", "source_partition": 0, "offsets": [7], "weather": "fair"}"""
    table = TABLES["ledger"]
    store.execute("ALTER TABLE ledger ADD COLUMN weather String")
    positions: dict[str, list[object]] = {
        "log_epoch": ["1"], "log_partition": [0], "log_offset": [0],
    }  # fmt: skip
    store.insert("ledger", OutcomeDecoder(table).decode([later], 0, [0]).columns | positions)

    found = store.query("SELECT disposition, offsets, weather FROM ledger").rows
    assert [tuple(row) for row in found] == [("left to chance", [7], "")]


def test_old_newer_and_foreign_tables_are_refused_with_advice(store: EmbeddedStore) -> None:
    newest = migrations()[-1].number
    store.execute(f"ALTER TABLE schema_migrations DELETE WHERE number = {newest} SETTINGS "
                  "mutations_sync = 1")  # fmt: skip
    assert check(store) is SchemaState.OLD
    with pytest.raises(Refused, match="headwater migrate"):
        require_usable(store)
    assert len(apply_migrations(store)) == 1

    store.execute("INSERT INTO schema_migrations (number, name, checksum) VALUES (99, 'x', 'y')")
    assert check(store) is SchemaState.NEWER
    require_usable(store)
    assert apply_migrations(store) == []

    store.execute("INSERT INTO schema_migrations (number, name, checksum, needs) "
                  "VALUES (100, 'x', 'y', 100)")  # fmt: skip
    assert check(store) is SchemaState.TOO_NEW
    with pytest.raises(Refused, match="update Headwater"):
        require_usable(store)
    with pytest.raises(Refused, match="update Headwater"):
        apply_migrations(store)

    store.execute("TRUNCATE TABLE schema_migrations")
    store.execute("INSERT INTO schema_migrations (number, name, checksum) VALUES (1, 'x', 'y')")
    with pytest.raises(Refused, match="another build"):
        apply_migrations(store)
