"""The job as a Bytewax dataflow: `python -m tests.benchmarks.peers.bytewax_run FOLDER`.

One worker, at-least-once by the recovery store in FOLDER, state in Bytewax's keyed state. There are
no topics between the steps: Bytewax exchanges by key in memory. It has no loops and no timers of
log time: accounts are a second matching step, and a heap in the process puts the installs that are
due before the journeys step. It ends when it has read everything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from schemas import topics
from streams.settings import Settings, read_settings
from streams.stages.contract import CLOCK_KEY
from streams.worker.supervisor import end_with
from tests.benchmarks.idiomatic_faust.routing import SourceRecord
from tests.benchmarks.peers.reduced_job import (
    TO_JOURNEYS,
    TO_LEARNING,
    TO_MATCHING,
    ReducedJob,
    Sent,
)

SNAPSHOT_SECONDS = 1
LINGER_MS = "20"
ONE_PARTITION = 0  # One worker has all keys, so that there is one log time and one heap.
Timed = tuple[Sent, int]


class BytewaxJob:
    """The steps; items are (message, log time)."""

    def __init__(self, settings: Settings) -> None:
        self._job = ReducedJob(settings)
        self._prefix = settings.kafka.topic_prefix
        self._is_announced = False

    def intake(self, message: Any) -> list[Timed]:
        if not self._is_announced:
            self._is_announced = True
            print("ready", flush=True)
        if message.key == CLOCK_KEY:
            return []
        timestamp = message.timestamp[1]
        record = SourceRecord(
            topic=message.topic.removeprefix(self._prefix),
            partition=message.partition,
            offset=message.offset,
            timestamp=timestamp,
            key=message.key,
            value=message.value,
        )
        return [(sent, timestamp) for sent in self._job.route(record)]

    def match(self, known: bytes | None, item: Timed) -> tuple[bytes, list[Timed]]:
        message, timestamp = item
        state, sent = self._job.match(known, message.value)
        return state, [(one, timestamp) for one in sent]

    def wake(self, pair: tuple[str, Timed]) -> Iterable[tuple[str, Timed]]:
        """A record for its install, then those installs that are due by its log time."""
        key, (message, timestamp) = pair
        timers = self._job.timers
        now = timers.see(ONE_PARTITION, timestamp)
        yield key, (message, now)
        for due in timers.due(ONE_PARTITION, now):
            yield due.decode(), (Sent(TO_JOURNEYS, due, b""), now)

    def decide(self, known: bytes | None, item: Timed) -> tuple[bytes, list[Timed]]:
        message, now = item
        if message.value:
            state, sent = self._job.decide(ONE_PARTITION, message.key, known, message.value, now)
        else:
            state, sent = self._job.wake(ONE_PARTITION, message.key, known or b"", now)
        return state, [(one, now) for one in (*sent, *self._job.take_examples())]

    def write(self, item: Timed) -> Any:
        """Learn examples where they are made; everything else is an outcome."""
        message = item[0]
        if message.to == TO_LEARNING:
            self._job.learn(message.value)
            return None
        return KafkaSinkMessage(message.key, message.value, topic=self._prefix + message.to)


def flow_of(settings: Settings) -> Any:
    job, kafka = BytewaxJob(settings), settings.kafka
    brokers = (kafka.brokers or "").split(",")
    names = [kafka.topic_prefix + topic.name for topic in topics.SOURCES]
    flow = Dataflow("reduced_job")
    source = op.input("in", flow, KafkaSource(brokers, names, tail=False))
    routed = op.flat_map("intake", source, job.intake)
    matched = _stateful("matching", _only("m", routed, TO_MATCHING), job.match)
    accounts = _stateful("accounts", _only("a", matched, TO_MATCHING), job.match)
    steps = (routed, matched, accounts)
    parts = (_only(f"j{number}", one, TO_JOURNEYS) for number, one in enumerate(steps))
    woken = op.flat_map("wake", op.merge("to-journeys", *parts), job.wake)
    decided = _stateful("journeys", woken, job.decide)
    outcomes = (
        op.filter(f"o{number}", one, lambda item: item[0].to not in (TO_MATCHING, TO_JOURNEYS))
        for number, one in enumerate((*steps, decided))
    )
    written = op.filter_map("write", op.merge("all", *outcomes), job.write)
    op.output("out", written, KafkaSink(brokers, None, add_config={"linger.ms": LINGER_MS}))
    return flow


def _only(step: str, stream: Any, to: str) -> Any:
    """Messages to one step, with the text of their key."""
    return op.filter_map(
        step, stream, lambda item: (item[0].key.decode(), item) if item[0].to == to else None
    )


def _stateful(
    step: str, stream: Any, decide: Callable[[bytes | None, Timed], tuple[bytes, list[Timed]]]
) -> Any:
    keyed = op.stateful_flat_map(step, stream, decide)
    return op.map(f"{step}-values", keyed, lambda pair: pair[1])


def main(folder: Path) -> None:
    settings = read_settings()
    end_with(settings.worker.supervisor)
    folder.mkdir()
    init_db_dir(folder, 1)
    cli_main(
        flow_of(settings),
        epoch_interval=timedelta(seconds=SNAPSHOT_SECONDS),
        recovery_config=RecoveryConfig(str(folder), timedelta(0)),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
