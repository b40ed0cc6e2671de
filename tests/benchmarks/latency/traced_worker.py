"""A core worker that writes down when each record arrived, and when its decision was committed.

`python -m tests.benchmarks.latency.traced_worker FILE` is `headwater worker --role core` with
another observer: it notes offsets, per poll and per checkpoint. Which installs are behind them is
found afterwards, in the topics (`tests/benchmarks/latency/hops.py`).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import BinaryIO

import orjson

from schemas import topics
from streams.errors import Stop
from streams.settings import read_settings
from streams.stages.contract import Effects, OffsetRange
from streams.worker.observers import LaneMetrics
from streams.worker.roles import run_role

TRACED_STAGES = ("intake", "matching", "journeys")
FIRST_LANDMARK = b'"landmark":"install"'


class TracingMetrics(LaneMetrics):
    """The metrics of a worker, and a line for every poll batch and every checkpoint."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decided: dict[tuple[str, int], tuple[float, Effects]] = {}

    def on_arrival(self, polled: OffsetRange) -> None:
        (topic, p), first, end = polled
        self._write(["arrival", topic, p, first, end, time.time()])

    def on_decided(self, stage: str, p: int, effects: Effects) -> None:
        if stage in TRACED_STAGES:
            self._decided[stage, p] = time.time(), effects

    def on_checkpoint(
        self, stage: str, p: int, records: int, seconds_decide: float, seconds_commit: float
    ) -> None:
        super().on_checkpoint(stage, p, records, seconds_decide, seconds_commit)
        if found := self._decided.pop((stage, p), None):
            at, effects = found
            positions = {topic: end for (topic, _), end in effects.positions.items()}
            scored = [
                (message.key or b"").decode()
                for (topic, _), messages in effects.messages.items()
                if topic == topics.PREDICTIONS.name
                for message in messages
                if FIRST_LANDMARK in (message.value or b"")
            ]
            self._write(["step", stage, p, positions, at, time.time(), scored])

    def _write(self, line: list[object]) -> None:
        self._file.write(orjson.dumps(line) + b"\n")


def main(path: Path) -> int:
    with path.open("wb") as file:
        return run_role("core", read_settings(), TracingMetrics(file))


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except Stop as problem:
        sys.exit(f"traced worker: {problem}")
