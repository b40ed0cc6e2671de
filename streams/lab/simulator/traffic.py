"""The simulated log: every message of every source topic, in log order."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from schemas import topics
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.lab.simulator.drafts.installs import draft_installs, draft_usage
from streams.lab.simulator.drafts.malformed import spoilers, wrong_topic
from streams.lab.simulator.drafts.message_parts import Draft, MessageParts, make_message_parts
from streams.lab.simulator.drafts.money import draft_money
from streams.lab.simulator.drafts.postbacks import draft_postbacks
from streams.lab.simulator.drafts.reports import (
    draft_costs,
    draft_privacy_requests,
    draft_rates,
)
from streams.lab.simulator.drafts.touches import draft_passers_by, draft_touches
from streams.lab.simulator.drafts.uncounted import draft_uncounted
from streams.lab.simulator.draws import IntColumn, generator
from streams.lab.simulator.people.passers_by import make_passers_by
from streams.lab.simulator.plan import Plan, make_plan
from streams.lab.simulator.scenario import Scenario
from streams.stages.contract import CLOCK_KEY

SILENT_DAYS = (10, 20, 30, 40, 45)  # after the end, with nothing but clock ticks: every timer fires
_SLICE_MESSAGES = 20_000  # how many are in memory at once, roughly
_REPEAT_MS_MAX = 2 * DAY_MS

_Drafter = Callable[[MessageParts, IntColumn], list[Draft]]
_DRAFTERS: tuple[_Drafter, ...] = (
    draft_touches,
    draft_installs,
    draft_usage,
    draft_money,
    draft_costs,
    draft_rates,
    draft_postbacks,
    draft_privacy_requests,
    draft_uncounted,
)


class SimulatedMessage(NamedTuple):
    topic: str
    partition: int
    timestamp_ms: int
    key: bytes
    value: bytes

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, by the name that Kafka records have for it."""
        return self.timestamp_ms

    @property
    def is_tick(self) -> bool:
        """A clock tick carries nothing but the log time of its partition."""
        return self.key == CLOCK_KEY


def simulate_traffic(scenario: Scenario) -> Iterator[SimulatedMessage]:
    """Every message in log order: `scenario.events` events, and clock ticks between them."""
    plan = TickPlan(scenario.start_ms, scenario.end_ms, scenario.partitions, scenario.tick_ms)
    return with_ticks(plan, _disturbed(scenario, _planned(make_plan(scenario))))


def _planned(plan: Plan) -> Iterator[SimulatedMessage]:
    """Every readable message once."""
    parts = make_message_parts(plan)
    log_times = plan.log_times()
    orders = [np.argsort(times, kind="stable") for times in log_times]
    sorted_times = [times[order] for times, order in zip(log_times, orders, strict=True)]
    scenario = plan.scenario
    hours = scenario.days * 24
    step = max(1, min(24, _SLICE_MESSAGES * hours // scenario.good))
    for hour in range(0, hours, step):
        until = scenario.start_ms + (hour + step) * HOUR_MS
        seen = make_passers_by(plan, hour, step)
        times, drafts = [seen.log_time], draft_passers_by(parts, seen)
        for table, drafter in enumerate(_DRAFTERS):
            first = np.searchsorted(sorted_times[table], until - step * HOUR_MS)
            last = np.searchsorted(sorted_times[table], until)
            times.append(sorted_times[table][first:last])
            drafts += drafter(parts, orders[table][first:last])
        yield from _in_order(np.concatenate(times), drafts, scenario.partitions)


def _in_order(times: IntColumn, drafts: list[Draft], partitions: int) -> Iterator[SimulatedMessage]:
    order = np.argsort(times, kind="stable")
    crc32 = zlib.crc32
    for index, time in zip(order.tolist(), times[order].tolist(), strict=True):
        topic, key, value = drafts[index]
        yield SimulatedMessage(topic, crc32(key) % partitions, time, key, value)


def _disturbed(
    scenario: Scenario, messages: Iterable[SimulatedMessage]
) -> Iterator[SimulatedMessage]:
    """Repeat some messages later, and add spoiled copies of some."""
    rng = generator(scenario.seed, "disturbance")
    repeated = _chosen(rng, scenario.good, scenario.duplicates)
    spoiled = _chosen(rng, scenario.good, scenario.malformed)
    next_repeated, next_spoiled = next(repeated, -1), next(spoiled, -1)
    waiting: list[tuple[int, int, SimulatedMessage]] = []
    for position, message in enumerate(messages):
        while waiting and waiting[0][0] <= message.timestamp_ms:
            yield heappop(waiting)[2]
        yield message
        if position == next_repeated:
            next_repeated = next(repeated, -1)
            at = _repeat_time(rng, scenario, message.timestamp_ms)
            heappush(waiting, (at, position, message._replace(timestamp_ms=at)))
        if position == next_spoiled:
            next_spoiled = next(spoiled, -1)
            yield _spoiled(rng, scenario, message)
    while waiting:
        yield heappop(waiting)[2]


def _chosen(rng: np.random.Generator, size: int, count: int) -> Iterator[int]:
    """`count` of the numbers below `size`, in rising order."""
    return iter(np.sort(rng.choice(size, count, replace=False, shuffle=False)).tolist())


def _repeat_time(rng: np.random.Generator, scenario: Scenario, first_ms: int) -> int:
    """Producers repeat at once, or hours later."""
    mean = 2_000 if rng.random() < 0.5 else 240 * MINUTE_MS
    wait = min(int(rng.exponential(mean)), _REPEAT_MS_MAX)
    return min(first_ms + wait, scenario.end_ms - 1)


def _spoiled(
    rng: np.random.Generator, scenario: Scenario, message: SimulatedMessage
) -> SimulatedMessage:
    ways = spoilers(message.topic)
    way = int(rng.integers(0, len(ways) + 1))
    if way == len(ways):
        return message._replace(topic=wrong_topic(message.topic))
    _, spoil = ways[way]
    return message._replace(value=spoil(message.value))


class TickPlan(NamedTuple):
    """From when to when clocks tick, in how many partitions of every source topic, how often."""

    start_ms: int
    end_ms: int
    partitions: int
    every_ms: int


def with_ticks(plan: TickPlan, messages: Iterable[SimulatedMessage]) -> Iterator[SimulatedMessage]:
    """Messages in log order, with ticks between them, and after the end until every timer fired."""
    due = plan.start_ms + plan.every_ms
    for message in messages:
        while message.timestamp_ms >= due:
            yield from _ticks(plan, due)
            due += plan.every_ms
        yield message
    while due < plan.end_ms:
        yield from _ticks(plan, due)
        due += plan.every_ms
    yield from _ticks(plan, plan.end_ms)
    for days in SILENT_DAYS:
        yield from _ticks(plan, plan.end_ms + days * DAY_MS)


def _ticks(plan: TickPlan, time_ms: int) -> Iterator[SimulatedMessage]:
    for topic in topics.SOURCES:
        for partition in range(plan.partitions):
            yield SimulatedMessage(topic.name, partition, time_ms, CLOCK_KEY, b"")
