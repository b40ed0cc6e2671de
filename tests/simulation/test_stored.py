"""What a disturbed run leaves in ClickHouse reconciles, with the converged digest of a calm one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.records import log_at, offset_at
from streams.store.digest import converged_digest
from streams.store.embedded import EmbeddedStore
from streams.store.reconcile import Accounting, reconcile
from streams.store.tables import EPOCH, OFFSET, PARTITION, TABLES
from tests.simulation.oracle import projection
from tests.simulation.scenarios.draws import draw
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.storing_worker import Stored, epoch_of
from tests.simulation.topology.topology import Topology
from tests.worlds.stores.migrated import migrated_store

pytest.importorskip("chdb")

SEEDS = (192, 237, 308)
"""With relinks, late touchpoints, repeats, dead letters, and money that waits or expired."""
RENEWED = (101,)
"""Source and outcome topics are created anew while money waits."""


@pytest.fixture
def fill(tmp_path: Path) -> Iterator[Callable[[Stored], EmbeddedStore]]:
    """Puts what a run stored into an empty store; chdb holds one folder at a time."""
    opened: list[EmbeddedStore] = []

    def filled(rows: Stored) -> EmbeddedStore:
        for store in opened:
            store.close()
        opened[:] = [migrated_store(tmp_path / f"store-{len(list(tmp_path.iterdir()))}")]
        for (table, p), by_offset in rows.items():
            opened[0].insert(table, columns_of(table, p, by_offset))
        return opened[0]

    yield filled
    for store in opened:
        store.close()


def columns_of(table: str, p: int, rows: dict[int, dict[str, Any]]) -> dict[str, list[Any]]:
    names = [column.name for column in TABLES[table].columns]
    columns: dict[str, list[Any]] = {n: [row[n] for row in rows.values()] for n in names}
    columns |= {EPOCH: [epoch_of(log_at(place)) for place in rows], PARTITION: [p] * len(rows)}
    return columns | {OFFSET: [offset_at(place) for place in rows]}


def fates(rows: Stored) -> list[int]:
    """Source offsets by final disposition, as the Python projection counts them."""
    found = list(projection.final_dispositions(projection.tables(rows)["ledger"]).values())
    names = ("decided", "duplicate", "parked", "expired", "dead_lettered", "quarantined")
    return [found.count(name) for name in names]


def counts(found: Accounting) -> list[int]:
    return [
        found.decided,
        found.duplicates,
        found.parked,
        found.expired,
        found.dead_lettered,
        found.quarantined,
    ]


@pytest.mark.parametrize("seed", [*SEEDS, *RENEWED])
def test_a_disturbed_run_is_stored_like_a_calm_one(
    seed: int, fill: Callable[[Stored], EmbeddedStore]
) -> None:
    calm, wild = (Topology(draw(seed), stage_rules(seed), seed) for _ in range(2))
    calm.run_undisturbed()
    wild.run_disturbed(faults=10)
    if seed in RENEWED:
        assert wild.met["created anew: source topic"]
        assert wild.met["created anew: outcome topic"]

    store = fill(calm.warehouse.rows)
    expected, digest = reconcile(store), converged_digest(store)
    store = fill(wild.warehouse.rows)
    found = reconcile(store)

    assert found.faults == expected.faults == []
    assert counts(found) == counts(expected) == fates(calm.warehouse.rows)
    assert converged_digest(store) == digest


def test_what_expired_where_it_was_booked_first_is_told_where_it_was_booked_last(
    fill: Callable[[Stored], EmbeddedStore],
) -> None:
    """A refund expires with its own purchase, whose original then turns out to be another's."""
    run = Topology(draw(1363), stage_rules(1363), 1363)
    run.run_undisturbed()
    found = reconcile(fill(run.warehouse.rows))
    assert found.faults == []
    assert counts(found) == fates(run.warehouse.rows)
