"""The reduced job without Kafka and without a framework: what the decisions alone cost.

`python -m tests.benchmarks.peers.pure [--events N] [--days N] [--seed S]` runs the simulated log
through the same steps, with the states in a dictionary, and prints CPU microseconds per event.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import replace

from streams.lab.bench.control_loop import ControlLoop
from streams.lab.simulator import Scenario, simulate_traffic
from streams.settings import read_settings
from tests.benchmarks.idiomatic_faust.routing import SourceRecord
from tests.benchmarks.peers.reduced_job import (
    TO_JOURNEYS,
    TO_LEARNING,
    TO_MATCHING,
    ReducedJob,
    Sent,
)


class PureRun:
    """Takes each event through all steps before the next."""

    def __init__(self, partitions: int) -> None:
        self.messages: Counter[str] = Counter()
        self._job = ReducedJob(read_settings())
        self._partitions = partitions
        self._keys: dict[bytes, bytes] = {}
        self._installs: dict[bytes, bytes] = {}

    def take(self, record: SourceRecord) -> None:
        waiting = deque(self._job.route(record))
        while waiting:
            message = waiting.popleft()
            self.messages[message.to] += 1
            waiting.extend(self._step(message, record.timestamp))

    def _step(self, message: Sent, log_time: int) -> Iterable[Sent]:
        if message.to == TO_MATCHING:
            known = self._keys.get(message.key)
            self._keys[message.key], sent = self._job.match(known, message.value)
            return sent
        if message.to == TO_JOURNEYS:
            return self._decide(message, log_time)
        if message.to == TO_LEARNING:
            self._job.learn(message.value)
        return ()

    def _decide(self, message: Sent, log_time: int) -> list[Sent]:
        job, key = self._job, message.key
        p = zlib.crc32(key) % self._partitions
        now = job.timers.see(p, log_time)
        known = self._installs.get(key)
        self._installs[key], sent = job.decide(p, key, known, message.value, now)
        for due in job.timers.due(p, now):
            self._installs[due], more = job.wake(p, due, self._installs[due], now)
            sent += more
        return sent + job.take_examples()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    scenario = replace(Scenario.standard(chosen.events, chosen.seed), days=chosen.days)
    offsets: Counter[tuple[str, int]] = Counter()
    records = []
    for message in simulate_traffic(scenario):
        if not message.is_tick:
            tp = message.topic, message.partition
            records.append(
                SourceRecord(*tp, offsets[tp], message.timestamp_ms, message.key, message.value)
            )
            offsets[tp] += 1
    run, control = PureRun(scenario.partitions), ControlLoop()
    began = time.process_time()
    for record in records:
        run.take(record)
    seconds = time.process_time() - began
    control.after("pure")
    print(
        json.dumps(
            {
                "events": len(records),
                "cpu_microseconds": round(seconds / len(records) * 1e6, 1),
                "control_microseconds": control.microseconds["pure"],
                "messages": dict(run.messages),
            }
        )
    )


if __name__ == "__main__":
    main()
