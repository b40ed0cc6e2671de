"""Runs a storing worker until it is told to stop, or fails."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from streams.runtime.faust.app import report, run_faust, silence_libraries
from streams.store.sink.sink import Sink
from streams.worker.storing_worker import StoringWorker

_FAILED_STOP_SECONDS = 20.0
"""Faust gets this long to end after a failure. After a request, HEADWATER_STOP_TIMEOUT holds."""
_AWAY_STOP_SECONDS = 5.0
"""Longest stop while no broker answers."""


async def run_storing(worker: StoringWorker, stop: asyncio.Event) -> int:
    """Run until `stop` is set (exit code 0) or something fails (one line on stderr, code 1)."""
    silence_libraries()
    beat = asyncio.create_task(worker.beat())
    stopping = asyncio.create_task(stop.wait())
    try:
        opening = asyncio.create_task(worker.open())
        await asyncio.wait([opening, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            return 0
        return await _serve(worker, opening.result(), stopping)
    except Exception as error:
        return report(error)
    finally:
        beat.cancel()
        stopping.cancel()
        await worker.close()


async def _serve(worker: StoringWorker, sink: Sink, stopping: asyncio.Task[Any]) -> int:
    app = worker.app
    assert worker.failure is not None, "the worker is open"
    storing = asyncio.create_task(sink.run())
    reading = asyncio.create_task(run_faust(app))
    watching = asyncio.create_task(worker.watch_logs())
    watches = [watching, asyncio.create_task(worker.watch.run(worker.is_well))]
    watches.append(asyncio.create_task(worker.watch_requests()))
    standing = asyncio.create_task(worker.standstill.run())
    watches.append(standing)
    assert worker.cohorts is not None, "the worker is open"
    watches.append(asyncio.create_task(worker.cohorts.run()))
    loop = asyncio.get_running_loop()
    deadline: float | None = None
    ends: list[asyncio.Future[Any]] = [
        worker.failure,
        storing,
        reading,
        watching,
        standing,
        stopping,
    ]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        failures = [
            task.exception() for task in (watching, standing, storing, reading) if task.done()
        ]
        if worker.failure.done():
            failures.insert(0, worker.failure.result())
        if failures:
            return report(failures[0])
        # Without a broker nothing can be committed: what is stored is found again by its offsets.
        seconds = _AWAY_STOP_SECONDS if worker.watch.fault else worker.settings.stop_seconds
        deadline = loop.time() + seconds
        # The rest of the time is for an insert under way, and for leaving the consumer group.
        await sink.drain(max(seconds / 2, seconds - worker.settings.store.timeout_seconds))
        await worker.cohorts.finish()
        return 0
    finally:
        for task in (storing, reading, *watches):
            task.cancel()
        with contextlib.suppress(Exception):
            left = _FAILED_STOP_SECONDS if deadline is None else deadline - loop.time()
            await asyncio.wait_for(app.stop(), max(1.0, left))
