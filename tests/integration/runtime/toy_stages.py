"""Two toy stages and their worker process: a failure here is a fault of the runtime.

`intake` routes source records by key, `matching` counts them per key: each record gives one
outcome with the key's running count, so that a lost, repeated or half-applied record shows.
"""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import sys
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from pathlib import Path

import faust
from faust.types import TP

from streams.agents import Offer
from streams.runtime.faust.app import batch_app
from streams.runtime.faust.batches import BatchSchema, PollBatch
from streams.runtime.lane import LaneSpec
from streams.settings.core import EMBEDDED_LEAD, BatchBounds, CoreSettings
from streams.stages.contract import Effects, LogRecord, Message, StateReader
from streams.worker.core_worker import CoreWorker, run_core
from streams.worker.surroundings import Surroundings

WIDE_BYTES = 10_000
"""Of the state of a key that begins with `wide`."""

SPECS = (
    LaneSpec("intake", ("touchpoints", "installs")),
    LaneSpec("matching", ("match",), "matching-changelog"),
)


def toy_app(settings: CoreSettings, offer: Offer) -> faust.App:
    """One agent for each of the toy stages."""
    app = batch_app(settings)

    async def feed(batches: AsyncIterator[PollBatch]) -> AsyncIterator[None]:
        async for batch in batches:
            offer(batch)
            yield

    for spec in SPECS:
        names = [settings.topic(name) for name in spec.inputs]
        app.agent(app.topic(*names, schema=BatchSchema(), acks=False), name=spec.stage)(feed)
    return app


def positions(records: Sequence[LogRecord]) -> Effects:
    """Effects that only commit the positions after these records."""
    reached = {(record.topic, record.partition): record.offset + 1 for record in records}
    return Effects(positions=reached)


class Router:
    name = "intake"

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        return

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ["never"] if any(record.key == b"stall" for record in records) else ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        effects = positions(records)
        for record in records:
            if record.key == b"poison":
                raise ValueError("a bug in the stage")
            if record.key == b"disk":
                raise OSError("the disk failed")
            key = record.key or b""
            origin = b"%s/%d/%d" % (record.topic.encode(), record.partition, record.offset)
            effects.send("match", zlib.crc32(key) % self._partitions, Message(key, origin))
        return effects


class Counter:
    name = "matching"

    def __init__(self, p: int) -> None:
        self._p = p
        self._keys_known = 0

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        self._keys_known = sum(1 for _ in entries)

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        effects = positions(records)
        keys = list({record.key or b"" for record in records})
        counts = {
            key: int(stored or 0) for key, stored in zip(keys, state.get_many(keys), strict=True)
        }
        self._keys_known += sum(count == 0 for count in counts.values())
        for record in records:
            key = record.key or b""
            counts[key] += 1
            outcome = b"%d %s %d" % (counts[key], record.value, self._keys_known)
            effects.send("attributions", self._p, Message(key, outcome))
        effects.changes = {
            key: (b"%d" % count).ljust(WIDE_BYTES if key.startswith(b"wide") else 0)
            for key, count in counts.items()
        }
        return effects


def toy_stage(name: str, p: int, partitions: int, sources: int = 0) -> Router | Counter:
    return Router(partitions) if name == "intake" else Counter(p)


def settings(bootstrap: str, folder: str, prefix: str) -> CoreSettings:
    embedded = folder == "embedded"
    return CoreSettings(
        bootstrap_servers=bootstrap,
        state_folder=None if embedded else Path(folder),
        group_id=f"{prefix}core",
        storing_group_id=f"{prefix}storing",
        topic_prefix=prefix,
        embedded=embedded,
        lead=EMBEDDED_LEAD if embedded else CoreSettings("").lead,
        session_timeout_seconds=3.0,
        batch=BatchBounds(linger_seconds=0.02, queued_records_max=2_000),
    )


def say_where() -> None:
    """Print to stderr what a worker that does not end is waiting for."""
    faulthandler.dump_traceback(all_threads=True)
    for task in asyncio.all_tasks():
        task.print_stack(limit=4)


async def lose_polls(worker: CoreWorker, polls: int) -> None:
    """Take records away from whoever reads next, as a poll that was given up once did."""
    while polls:
        await asyncio.sleep(0.5)
        thread = worker.app.consumer.thread
        if worker.fleet is not None and worker.fleet.readiness.is_ready:
            held: set[TP] = thread.client.assignment()
            polls -= bool(await thread.call_thread(partial(thread.read, held, 0.3, 500)))


async def run(bootstrap: str, folder: str, prefix: str, lost_polls: str = "0") -> int:
    worker = CoreWorker(
        settings(bootstrap, folder, prefix), toy_stage, Surroundings(specs=SPECS, app=toy_app)
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, say_where)
    losing = asyncio.create_task(lose_polls(worker, int(lost_polls)))
    try:
        return await run_core(worker, stop)
    finally:
        losing.cancel()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(*sys.argv[1:])))
