"""Two builds are compared by what both of them store, and by nothing less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from schemas.outcomes import Outcome
from schemas.time import EventMs
from streams.store.digest import converged_digest
from streams.store.embedded import EmbeddedStore
from streams.store.tables import TABLES
from tests.chaos.audit import tables_without
from tests.chaos.fault_injector import RunOutcome
from tests.chaos.installation import Installation
from tests.chaos.rolling_upgrade.comparison import UpgradeVerdict
from tests.chaos.rolling_upgrade.stored_columns import columns_of, one_sided
from tests.checkout import ROOT
from tests.worlds.stores.fact_outcomes import active_day
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.store_world import empty, put
from tests.worlds.stores.traffic_outcomes import booking, spend

pytest.importorskip("chdb")

EARLIER = """
from types import SimpleNamespace as One
TABLES = {
    "active_days": One(columns=[One(name="install_id"), One(name="dropped_since")]),
    "dropped_table": One(columns=[One(name="any")]),
}
"""
NEW = ["active_days.conversion_id", "revenue.offer_id", "spend.campaign_name"]
"""Columns that the rows of an earlier build would lack, one for each way to choose rows."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = migrated_store(tmp_path_factory.mktemp("compared"))
    yield store
    store.close()


def test_a_build_says_by_itself_which_columns_it_stores(tmp_path: Path) -> None:
    (tmp_path / "streams" / "store").mkdir(parents=True)
    (tmp_path / "streams" / "__init__.py").touch()
    (tmp_path / "streams" / "store" / "__init__.py").touch()
    (tmp_path / "streams" / "store" / "tables.py").write_text(EARLIER)
    earlier, this = columns_of(tmp_path), columns_of(ROOT)

    assert this == {name: [one.name for one in table.columns] for name, table in TABLES.items()}
    found = one_sided(earlier, this)
    assert one_sided(this, earlier) == found
    assert {"active_days.dropped_since", "active_days.conversion_id"} < set(found)
    assert "active_days.install_id" not in found
    assert {one.partition(".")[0] for one in found} == {"active_days"}
    assert one_sided(this, this) == []


def test_what_only_one_build_says_makes_no_difference_and_anything_else_does(
    store: EmbeddedStore,
) -> None:
    newer = [
        structs.replace(active_day(), conversion_id="i1~e2"),
        structs.replace(booking(), offer_id="spring"),
        structs.replace(spend(), campaign_name="Spring"),
    ]
    earlier = [
        structs.replace(active_day(), conversion_id=""),
        structs.replace(booking(), offer_id=""),
        structs.replace(spend(), campaign_name=""),
    ]
    # A message that both builds decided, because a worker was replaced before it had committed.
    of_newer, of_mixed = _digests(store, newer), _digests(store, [*earlier, newer[2]])
    wrong = [
        structs.replace(earlier[0], install_time=EventMs(1)),
        structs.replace(earlier[1], product_id="another"),
        structs.replace(earlier[2], amount_micros=1),
    ]
    of_wrong = _digests(store, wrong)

    changed = {"active_days", "revenue", "spend"}
    assert _differing(of_newer[0], of_mixed[0]) == changed
    assert _differing(of_newer[1], of_mixed[1]) == set()
    assert _differing(of_newer[1], of_wrong[1]) == changed


def test_the_verdict_is_about_the_digests_without_these_columns(tmp_path: Path) -> None:
    def verdict(second: dict[str, str]) -> UpgradeVerdict:
        whole = _outcome(tmp_path, "whole"), _outcome(tmp_path, "lacks a column")
        return UpgradeVerdict(*whole, [0] * 4, NEW, ({"spend": "same"}, second), [])

    assert verdict({"spend": "same"}).is_passed
    assert verdict({"spend": "same"}).as_json()["columns_left_out"] == NEW
    assert not verdict({"spend": "other"}).is_passed
    assert not verdict({"spend": "other"}).as_json()["digests_equal"]


def _digests(store: EmbeddedStore, rows: list[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Of all columns, and without the new ones."""
    empty(store)
    stored: list[Outcome] = rows
    put(store, stored)
    return converged_digest(store), converged_digest(store, tables=tables_without(NEW))


def _differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {table for table in one if one[table] != other[table]}


def _outcome(folder: Path, digest: str) -> RunOutcome:
    accounts = {"reconciled": True, "faults": [], "stored_twice": 0}
    installation = Installation("one", "127.0.0.1:1", folder)
    return RunOutcome(installation, {"spend": digest}, accounts, 1.0, Counter(), [], [0])
