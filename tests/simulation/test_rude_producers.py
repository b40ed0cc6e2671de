"""Whatever producers do wrong, nothing vanishes and nothing counts twice.

Copies of one event on several partitions, other content under a known id, log times that go
back: then it may depend on the order of reading which copy counts or which event was in time. But
every offset still has one fate, the tables agree with the ledger, and a replay of the stage logs
says the same again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.time import DAY_MS
from streams.stages.contract import CLOCK_KEY, Message
from tests.simulation.oracle import invariants, projection
from tests.simulation.oracle.projection import Tables
from tests.simulation.scenarios.draws import draw
from tests.simulation.scenarios.scenario import Logs, Scenario
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.topology import Topology

SEEDS = range(25)


def on_several_partitions(scenario: Scenario, chance: random.Random) -> Logs:
    logs = {tp: messages[:-1] for tp, messages in scenario.sources.items()}
    for (topic, p), messages in scenario.sources.items():
        for message in messages:
            if message.key != CLOCK_KEY and chance.random() < 0.3:
                ts = (message.timestamp or 0) + chance.choice((0, 5_000, 3 * DAY_MS, 8 * DAY_MS))
                elsewhere = (p + 1) % scenario.partitions
                logs[topic, elsewhere].append(message._replace(timestamp=ts))
    return logs


def with_other_content(scenario: Scenario, chance: random.Random) -> Logs:
    logs = {tp: messages[:-1] for tp, messages in scenario.sources.items()}
    for messages in logs.values():
        for message in messages[:]:
            if message.key != CLOCK_KEY and chance.random() < 0.3:
                messages.append(message._replace(value=altered(message.value or b"", chance)))
    return logs


def altered(value: bytes, chance: random.Random) -> bytes:
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    if not isinstance(fields, dict) or not fields:
        return value
    name = chance.choice(sorted(fields))
    if isinstance(fields[name], int) and name != "schema_version":
        fields[name] += chance.choice((-DAY_MS, 1, DAY_MS))
    elif isinstance(fields[name], str) and name != "type":
        fields[name] = chance.choice((fields[name] + "x", "install-0", "click-1", "user-0"))
    return orjson.dumps(fields)


def sorted_by_time(logs: Logs, ends_at: int) -> Logs:
    return {
        tp: [
            *sorted(messages, key=lambda message: message.timestamp or 0),
            Message(CLOCK_KEY, b"", ends_at + 9 * DAY_MS),
        ]
        for tp, messages in logs.items()
    }


def with_times_that_go_back(scenario: Scenario, chance: random.Random) -> Logs:
    return {
        tp: [*chance.sample(messages[:-1], len(messages) - 1), messages[-1]]
        for tp, messages in scenario.sources.items()
    }


class InOneWave(Scenario):
    """Written at once: log times that go back cannot be cut at a log time."""

    def waves(self) -> list[Logs]:
        return [self.sources]


def check_tables(stored: Tables) -> None:
    """What `reconcile` asks of the real tables."""
    fates = Counter(
        (topic, fate)
        for (topic, _, _), fate in projection.final_dispositions(stored["ledger"]).items()
    )
    # Other content is another step of its transaction, and a life of its own.
    places = Counter[tuple[Any, ...]]()
    for row in stored["revenue"]:
        places[row["source_partition"], row["source_offset"], row["money_id"]] += row["sign"]
    assert set(places.values()) <= {0, 1}
    assert sum(places.values()) == fates["payments", "decided"]
    lives = {
        (row["app_id"], row["conversion_id"])
        for row in stored["attributions"]
        if row["conversion_type"] != "reengagement"
    }
    assert len(lives) == fates["installs", "decided"]
    waits: dict[str, set[str]] = {}
    for (subject, _), state in projection.parked_steps(stored).items():
        waits.setdefault(subject, set()).add(state)
    expired = sum("expired" in states for states in waits.values())
    assert expired == fates["payments", "expired"] + fates["activity", "expired"]
    assert len(waits) - expired == fates["payments", "parked"] + fates["activity", "parked"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("spoil", [on_several_partitions, with_other_content])
def test_copies_of_events_never_count_twice(
    seed: int, spoil: Callable[[Scenario, random.Random], Logs]
) -> None:
    scenario = draw(seed)
    logs = spoil(scenario, random.Random(f"rude {seed}"))
    logs = sorted_by_time(logs, scenario.ends_at)
    ends_at = scenario.ends_at + 9 * DAY_MS
    check(replace(scenario, sources=logs, ends_at=ends_at), seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_log_times_that_go_back_lose_nothing(seed: int) -> None:
    scenario = draw(seed)
    logs = with_times_that_go_back(scenario, random.Random(f"rude {seed}"))
    check(InOneWave(scenario.partitions, logs, scenario.ends_at), seed)


def check(scenario: Scenario, seed: int) -> None:
    rules = stage_rules(seed)
    run = Topology(scenario, rules, seed)
    run.run_disturbed(faults=seed % 12)
    stored = projection.tables(run.warehouse.rows)
    invariants.check_rest(run)
    invariants.check_accounting(stored, scenario, run.log)
    invariants.check_replay(run, rules, random.Random(seed))
    check_tables(stored)
