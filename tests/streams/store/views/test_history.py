"""Current, history and as-of views say the same of every decision."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from schemas.outcomes import Attribution
from streams.store.base import Store
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, decision

pytest.importorskip("chdb")

AS_OF = (
    "SELECT conversion_id, version FROM v_attribution_history"
    " WHERE valid_from <= fromUnixTimestamp64Milli({at}, 'UTC')"
    " AND (valid_to IS NULL OR fromUnixTimestamp64Milli({at}, 'UTC') < valid_to)"
    " AND status != 'withdrawn' ORDER BY conversion_id"
)
CURRENT = "SELECT conversion_id, version FROM v_attributions ORDER BY conversion_id"
YEARS_LATER = NOON + 10**11


def reengagement(install_id: str, touch: str, version: int = 1, **changes: object) -> Attribution:
    conversion_id = f"{install_id}~{touch}"
    fields: dict[str, object] = {
        "attribution_id": f"{conversion_id}:{version}",
        "conversion_id": conversion_id,
        "conversion_type": "reengagement",
        "status": "reengaged",
        "conversion_time": NOON + 1000,
        "expires_at": NOON + 2000,
    }
    return decision(install_id, version, **(fields | changes))


def test_a_conversion_has_its_own_current_decision(store: Store) -> None:
    put(
        store,
        [
            decision("i1", 2, media_source="beta"),
            decision("i1", 1),
            reengagement("i1", "e7", 1, media_source="gamma"),
            reengagement("i1", "e8", 1),
            reengagement("i1", "e8", 2, status="withdrawn"),
        ],
    )
    found = store.query(
        "SELECT conversion_id, media_source, toUnixTimestamp64Milli(expires_at)"
        " FROM v_attributions ORDER BY 1"
    )
    assert found.rows == [("i1", "beta", None), ("i1~e7", "gamma", NOON + 2000)]


def test_history_says_from_when_to_when_each_version_was_believed(store: Store) -> None:
    put(
        store,
        [
            decision("i1", 3, decided_at=NOON + 30, status="withdrawn"),
            decision("i1", 1, decided_at=NOON + 10),
            decision("i1", 2, decided_at=NOON + 20),
            decision("i1", 2, decided_at=NOON + 20),
        ],
    )
    found = store.query(
        f"SELECT version, superseded_by, toUnixTimestamp64Milli(valid_from) - {NOON},"
        f" toUnixTimestamp64Milli(valid_to) - {NOON} FROM v_attribution_history ORDER BY version"
    )
    assert found.rows == [(1, 2, 10, 20), (2, 3, 20, 30), (3, 0, 30, None)]


def test_before_its_first_decision_nothing_was_believed_of_an_install(
    store: Store,
) -> None:
    put(store, [decision("i1", 1, decided_at=NOON + 10)])
    assert store.query(AS_OF, {"at": NOON + 9}).rows == []
    assert store.query(AS_OF, {"at": NOON + 10}).rows == [("i1", 1)]


def some_history(rng: random.Random) -> list[Attribution]:
    """Versions of ten conversions, some withdrawn, some decided in the same millisecond or, after
    a clock went wrong, earlier than the version before; shuffled, and some said twice."""
    rows = []
    for number in range(10):
        install = f"i{number % 4}"
        at = NOON
        for version in range(1, rng.randint(2, 6)):
            at += rng.choice([-3, 0, 0, 5, 9])
            status = "withdrawn" if rng.random() < 0.2 else "reengaged"
            touch = f"e{number}"
            rows.append(reengagement(install, touch, version, decided_at=at, status=status))
    rows += rng.sample(rows, 5)
    rng.shuffle(rows)
    return rows


def believed(rows: Sequence[Attribution], at: int) -> list[tuple[str, int]]:
    """A naive reader of the log, who has heard every version up to the newest decided by then."""
    found = []
    for conversion_id in sorted({row.conversion_id for row in rows}):
        versions = sorted(
            {
                (row.version, row.decided_at, row.status)
                for row in rows
                if row.conversion_id == conversion_id
            }
        )
        reached, heard = 0, None
        for version, decided_at, status in versions:
            reached = max(reached, decided_at)
            if reached <= at:
                heard = (version, status)
        if heard is not None and heard[1] != "withdrawn":
            found.append((conversion_id, heard[0]))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_as_of_any_moment_is_what_a_reader_believed_then(store: Store, seed: int) -> None:
    rows = some_history(random.Random(seed))
    put(store, rows)

    for at in range(NOON - 10, NOON + 50, 4):
        assert store.query(AS_OF, {"at": at}).rows == believed(rows, at), at


@pytest.mark.parametrize("seed", range(8))
def test_current_is_as_of_now_and_the_last_of_history(store: Store, seed: int) -> None:
    put(store, some_history(random.Random(seed)))

    current = store.query(CURRENT).rows
    assert store.query(AS_OF, {"at": YEARS_LATER}).rows == current
    last = store.query(
        "SELECT conversion_id, version FROM v_attribution_history"
        " WHERE superseded_by = 0 AND status != 'withdrawn' ORDER BY conversion_id"
    )
    assert last.rows == current


def test_conversions_are_counted_by_day_and_kind(store: Store) -> None:
    put(
        store,
        [
            decision("i1"),
            decision("i2"),
            decision("i3", conversion_type="reinstall", media_source="organic", campaign_id=""),
            decision("i4", conversion_type="reattribution", status="reattributed"),
            reengagement("i1", "e1", conversion_time=NOON + 86_400_000),
            reengagement("i2", "e2", status="withdrawn"),
        ],
    )
    found = store.query(
        "SELECT day, media_source, conversion_type, conversions FROM v_conversions ORDER BY ALL"
    )
    assert found.rows == [
        ("2026-01-01", "alpha", "install", 2),
        ("2026-01-01", "alpha", "reattribution", 1),
        ("2026-01-01", "organic", "reinstall", 1),
        ("2026-01-02", "alpha", "reengagement", 1),
    ]
