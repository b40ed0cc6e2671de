"""A storing worker as a process of its own, for tests that kill it. Settings are one JSON text."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from streams.settings.storing import BufferBounds, FlushBounds, StoreTarget, StoringSettings
from streams.store.sink.storing_observer import StoringObserver
from streams.worker.storing import run_storing
from streams.worker.storing_worker import StoringWorker


def settings_of(values: dict[str, Any]) -> StoringSettings:
    folder = values.get("folder")
    return StoringSettings(
        bootstrap_servers=values["bootstrap_servers"],
        store=StoreTarget(folder=Path(folder) if folder else None, url=values.get("url")),
        epoch=values.get("epoch", "test"),
        topic_prefix=values.get("topic_prefix", ""),
        embedded=values.get("embedded", False),
        session_timeout_seconds=values.get("session_timeout_seconds", 6.0),
        poll_records_max=values.get("poll_records_max", 2_000),
        flush=FlushBounds(rows_max=values.get("rows_max", 2_000), seconds=0.1),
        buffer=BufferBounds(rows_max=values.get("buffer_rows_max", 20_000)),
    )


class Report(StoringObserver):
    """Prints when the first rows are stored, and at the end how many were."""

    def __init__(self) -> None:
        self.rows = self.skipped = self.retries = 0

    def on_stored(self, table: str, rows: int, seconds: float) -> None:
        if not self.rows and not self.skipped:
            print("storing", flush=True)
        self.rows += rows

    def on_skipped(self, table: str, rows: int) -> None:
        self.skipped += rows

    def on_retry(self, table: str) -> None:
        self.retries += 1


async def run(settings: StoringSettings) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    report = Report()
    code = await run_storing(StoringWorker(settings, report), stop)
    print(json.dumps(vars(report)))
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(run(settings_of(json.loads(sys.argv[1])))))
