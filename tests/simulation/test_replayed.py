"""A replay of the source logs says what the topology says, in any order of the files."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from tests.simulation.oracle import invariants, projection
from tests.simulation.oracle.oracle import Oracle
from tests.simulation.oracle.projection import Tables
from tests.simulation.scenarios.draws import draw
from tests.simulation.scenarios.rule_sets import rule_set
from tests.simulation.scenarios.scenario import Scenario
from tests.simulation.topology.machines import NothingEvicted, stage_rules

SEEDS = range(60)


def records_of(scenario: Scenario) -> list[MemoryRecord]:
    """One partition after the other, as files of a dump."""
    return [
        MemoryRecord(topic, p, offset, message.timestamp or 0, message.key, message.value)
        for (topic, p), messages in scenario.sources.items()
        for offset, message in enumerate(messages)
    ]


def replayed(seed: int, records: list[MemoryRecord], batch: int) -> Tables:
    order = SourceOrder()
    for record in records:
        order.see(record)
    messages: dict[tuple[str, int], list[bytes]] = {}

    def keep(topic: str, rows: object) -> None:
        assert isinstance(rows, list)
        messages.setdefault((topic, 0), []).extend(row.value for row in rows)

    rules = stage_rules(seed)
    intake = replace(rules.intake, passes_watermarks=False)
    Replay(replace(rules, intake=intake), keep, NothingEvicted()).run(records, order, batch)
    return projection.tables_of(messages)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_replay_equals_the_oracle_and_does_not_depend_on_batches(seed: int) -> None:
    scenario = draw(seed)
    by_time = sorted(records_of(scenario), key=lambda record: record.timestamp)
    truth = Oracle(scenario, rule_set(seed).book).work_out()
    stored = replayed(seed, by_time, 1_000)
    invariants.check_oracle(projection.converged(stored), truth)
    invariants.check_conservation(stored, truth)
    assert _unplaced(replayed(seed, by_time, 1 + seed % 7)) == _unplaced(stored)


def _unplaced(stored: Tables) -> Tables:
    """Without the offsets of examples: how many of them share a message depends on batches."""
    versions = [{**row, "learned_offset": 0} for row in stored.get("model-versions", [])]
    return {**stored, "model-versions": versions}


@pytest.mark.parametrize("seed", SEEDS)
def test_files_of_partitions_may_be_replayed_one_after_the_other(seed: int) -> None:
    scenario = draw(seed)
    records = records_of(scenario)
    partitions = list(scenario.sources)
    random.Random(f"files {seed}").shuffle(partitions)
    records.sort(key=lambda record: partitions.index((record.topic, record.partition)))
    found = projection.converged(replayed(seed, records, 10))
    invariants.check_oracle(found, Oracle(scenario, rule_set(seed).book).work_out())
