"""What a demo publishes: a month of a publisher of three apps, or a small game."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Literal, get_args

from schemas.time import HOUR_MS
from streams.lab.simulator import Scenario, SimulatedMessage, simulate_traffic
from streams.lab.simulator.scenario import START_MS
from streams.lab.simulator.small_game import SmallGameRules, game_end, game_records, make_players
from streams.lab.simulator.traffic import TickPlan, with_ticks

DemoScenario = Literal["publisher", "small-game"]
DEMO_SCENARIOS: tuple[DemoScenario, ...] = get_args(DemoScenario)

_GAME_RATE = 0.005
_GAME_DAYS = 30
_GAME_EVENTS_PER_INSTALL = 7
"""Clicks, sessions and payments, and those of people who were there before the log."""
_PARTITIONS = 4


def demo_traffic(scenario: DemoScenario, events: int, seed: int) -> Iterator[SimulatedMessage]:
    """Messages in log order, with clock ticks between them. A small game has about so many."""
    return _TRAFFIC[scenario](events, seed)


def _publisher(events: int, seed: int) -> Iterator[SimulatedMessage]:
    return simulate_traffic(Scenario.busy(events, seed))


def _small_game(events: int, seed: int) -> Iterator[SimulatedMessage]:
    installs = max(events // _GAME_EVENTS_PER_INSTALL, 1)
    rules = SmallGameRules(installs, _GAME_RATE, seed, days=_GAME_DAYS)
    records = game_records(rules, make_players(rules))
    plan = TickPlan(START_MS, game_end(rules), _PARTITIONS, every_ms=3 * HOUR_MS)
    messages = (
        SimulatedMessage(
            one.topic, zlib.crc32(one.key or b"") % _PARTITIONS, one.timestamp_ms or START_MS,
            one.key or b"", one.value or b"",
        )
        for one in records
    )  # fmt: skip
    return with_ticks(plan, messages)


_TRAFFIC: dict[DemoScenario, Callable[[int, int], Iterator[SimulatedMessage]]] = {
    "publisher": _publisher,
    "small-game": _small_game,
}
