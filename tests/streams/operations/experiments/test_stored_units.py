"""Units of an experiment as the store adds them up, beside a naive reading of the outcomes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from online_models.experiments.running import UnitTable, sums_of_units
from schemas.outcomes import Freshness
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.errors import Stop
from streams.operations.experiments import answer_of_store
from streams.store.base import Store
from streams.store.experiments import reached, stored_experiment, sums_of_store
from tests.worlds.stores.experiment_history import (
    DEFINITION,
    ExperimentHistory,
    experiment_history,
    naive_units,
)
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.store_world import empty, put
from tests.worlds.stores.traffic_outcomes import NOON


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    pytest.importorskip("chdb")
    store = migrated_store(tmp_path_factory.mktemp("experiments") / "store")
    yield store
    store.close()


@pytest.fixture
def store(opened: Store) -> Store:
    empty(opened)
    return opened


def table_of(history: ExperimentHistory) -> tuple[UnitTable, int]:
    units = list(naive_units(history).values())
    table = UnitTable(
        np.array([unit[0] for unit in units]),
        np.array([unit[1] for unit in units]),
        np.array([unit[2] for unit in units]),
        np.array([unit[3] for unit in units]),
    )
    return table, sum(unit[4] for unit in units if unit[2])


@pytest.mark.parametrize("seed", range(3))
def test_sums_are_those_of_a_naive_reading(seed: int, store: Store) -> None:
    history = experiment_history(seed)
    put(store, history.rows())
    table, missing = table_of(history)
    found, without_rate = sums_of_store(store, DEFINITION, history.log_time)
    expected = sums_of_units(table, 2)
    for name, value in found._asdict().items():
        np.testing.assert_allclose(value, getattr(expected, name), rtol=1e-9, atol=1e-6)
    assert without_rate == missing > 0
    assert 0 < found.units.sum() < found.exposed.sum()


def test_a_refund_that_comes_late_moves_what_was_believed(store: Store) -> None:
    history = experiment_history(5, units=900)
    refunds = [row for row in history.bookings if row.kind == "refund"]
    kept = [row for row in history.bookings if row.kind != "refund"]
    history.bookings = kept
    put(store, history.rows())
    before, _ = sums_of_store(store, DEFINITION, history.log_time)
    put(store, refunds, first_offset=10_000)
    history.bookings = [*kept, *refunds]
    after, _ = sums_of_store(store, DEFINITION, history.log_time)
    assert after.sums[..., 1].sum() < before.sums[..., 1].sum()
    table, _ = table_of(history)
    np.testing.assert_allclose(after.sums, sums_of_units(table, 2).sums, atol=1e-6)


def test_an_experiment_is_found_by_the_order_that_started_it(store: Store) -> None:
    put(store, experiment_history(1, units=3).rows())
    found = stored_experiment(store, "spend-offer")
    assert (found.definition, found.state) == (DEFINITION, "running")
    with pytest.raises(Stop, match="no experiment 'spend-ofer' was started; did you mean 'spend-"):
        stored_experiment(store, "spend-ofer")
    with pytest.raises(Stop, match="has no version 2"):
        stored_experiment(store, "spend-offer", 2)


def test_what_is_not_complete_is_said(store: Store) -> None:
    assert reached(store).incomplete == "nothing of journeys is stored yet"
    fresh = [(0, NOON), (1, NOON - 9 * HOUR_MS)]
    put(
        store,
        [Freshness(stage="journeys", partition=p, stage_time=LogMs(at)) for p, at in fresh],
    )
    late = reached(store)
    assert late.log_time_ms == NOON - 9 * HOUR_MS
    assert late.incomplete == "partition 1 of journeys is 9h behind the others"
    put(
        store,
        [Freshness(stage="journeys", partition=1, stage_time=LogMs(NOON))],
        first_offset=9,
    )
    assert reached(store).incomplete == ""
    assert reached(store, NOON + HOUR_MS).incomplete == ""
    assert reached(store, NOON + DAY_MS).incomplete == "the store is 1d behind the clock"
    assert "one of the two has jumped" in reached(store, NOON - DAY_MS).incomplete


def test_the_report_is_json_that_others_can_rely_on(store: Store) -> None:
    history = experiment_history(2, units=2_500)
    put(store, history.rows())
    answer = answer_of_store(store, "spend-offer")
    found = json.loads(json.dumps(answer.as_json(), allow_nan=False))
    promised = "experiment version variants sample_ratio_bayes_factor guardrails decisions".split()
    assert set(promised) <= set(found)
    control, offer = found["variants"]
    assert (control["name"], offer["name"]) == ("control", "offer")
    assert offer["units"] > offer["mature_units"] > 100
    arpu = offer["metrics"]["arpu"]
    assert {"mean", "lift", "low", "high", "relative_low", "relative_high", "decision"} <= set(arpu)
    assert arpu["low"] < arpu["lift"] < arpu["high"]
    assert control["metrics"]["arpu"]["lift"] is None
    table, _ = table_of(history)
    paid = table.values[table.is_mature & (table.codes == 1), 1]
    assert arpu["mean"] == pytest.approx(paid.mean())
    assert found["guardrails"][0]["metric"] == "retention"
    assert found["decisions"][0]["kind"] == "start"
    assert found["as_of"] == "2026-03-02T12:00:00Z"
    assert any("units" in line for line in answer.sentences())


def test_without_a_unit_there_is_a_report_that_claims_nothing(store: Store) -> None:
    history = experiment_history(1, units=1)
    history.assigned, history.exposed = [], []
    put(store, history.rows())
    found = answer_of_store(store, "spend-offer").as_json()
    assert [v["units"] for v in found["variants"]] == [0, 0]
    assert found["variants"][0]["metrics"]["arpu"]["mean"] is None
    assert found["variants"][1]["metrics"]["arpu"]["decision"] == "early"
