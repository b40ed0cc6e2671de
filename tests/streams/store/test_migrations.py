"""Comments of a released migration may improve; its statements may not change."""

from __future__ import annotations

import hashlib
from importlib import resources

import pytest

from streams.store.migrations import (
    SchemaState,
    checksum_of,
    migrations,
    state_of,
    without_comments,
)

RECORDED_BY_0_1_0 = {
    1: "d070ad423df9934a6aff1b2616aed86e2024f43624f6440dee78318c8e9c0fb6",
    2: "c0df44ecd645899623a1ae837bc62ceb75bcf79ff5d191dc812b923c9db4a9c8",
    3: "a226fd4031ddc87857ee384c4bb6ccfcae9ca4f2f81762541cd77bc7960bb8b5",
    4: "725cff0eb3213f5add7cbf84525468ee941984312659a47ed9c0399dbeacd493",
    5: "c59010e96797d597f0fa573a4884be4d6ccee016e6c55e92fe5ea133df5b8117",
    6: "a4b8783cf57889272b0727a9f2532416e9cad43f5cfaf10dd2948c60e47bf882",
}
"""`schema_migrations` of a store that version 0.1.0 made: checksums of files with old comments."""


def test_a_store_of_0_1_0_is_current() -> None:
    assert state_of(RECORDED_BY_0_1_0, migrations()[:6]) is SchemaState.CURRENT


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
