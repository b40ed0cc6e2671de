"""Migrations go forward only: what stores have applied is never edited."""

from __future__ import annotations

from tests.stored_bytes.migrations import checksums, edited, recorded_checksums


def test_no_released_migration_was_edited() -> None:
    wrong = edited(recorded_checksums(), checksums())

    assert not wrong, (
        f"{', '.join(wrong)}: stores have applied it as it was, and take no other; undo the edit, "
        "and write a migration with the next number (views are defined again there)"
    )


def test_every_migration_is_recorded() -> None:
    missing = checksums().keys() - recorded_checksums().keys()

    names = ", ".join(sorted(missing))
    assert not missing, f"{names}: run `python -m tests.stored_bytes` and commit what it writes"


def test_an_edit_is_noticed_and_a_new_migration_is_none() -> None:
    recorded = {"1_tables": "a", "2_views": "b"}

    assert not edited(recorded, recorded | {"3_more": "c"})
    assert edited(recorded, recorded | {"2_views": "c"}) == ["2_views"]
    assert edited(recorded, {"1_tables": "a"}) == ["2_views"]
